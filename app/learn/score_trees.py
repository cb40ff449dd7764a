"""A prior's score as one sum of trees: what a search folds over a space."""

from __future__ import annotations

from app.learn.prior import Prior
from app.learn.trees import Trees, summed


def score_trees(prior: Prior) -> Trees | None:
    """The trees whose sum `prior.scores` is; None where a part of it is no tree, or could not be compiled."""
    if prior.blend[len(prior.views) :].any():
        return None
    parts = []
    for view, weight in zip(prior.views, prior.blend, strict=False):
        if weight and view.models:
            if view.trees is None:
                return None
            parts.append((float(weight), view.trees))
    return summed(parts)
