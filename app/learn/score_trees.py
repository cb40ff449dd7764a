"""A prior's score as one sum of trees: what a search folds over a space."""

from __future__ import annotations

from app.learn.meta_learner import MetaLearner
from app.learn.prior import Prior
from app.learn.trees import Trees, summed


def score_trees(prior: Prior) -> Trees | None:
    """The trees whose sum `prior.scores` is; None where a part of it could not be compiled."""
    parts = []
    for view, weight in zip(prior.views, prior.blend, strict=True):
        if weight and view.models:
            if view.trees is None:
                return None
            parts.append((float(weight), view.trees))
    return summed(parts)


def n_uncompiled(learner: MetaLearner) -> int:
    """Views that CatBoost itself must predict, because they have what compiled trees cannot take."""
    views = (view for target in learner.targets.values() for view in target.prior.views)
    return sum(view.trees is None for view in views)
