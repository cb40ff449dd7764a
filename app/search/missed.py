"""What an answer from a shortlist may claim: how much better a configuration can be that is not on it.

Without own runs the shortlist is the top by the very score that orders the answer. Own runs correct that score by
k(x)·β, with k the kernel between x and them. Each part of k is bounded, so is the correction, and so is the score of
what was left out:

    amplitude · Matérn ≤ amplitude        D = K(E, Z) · modes with 0 ≤ K ≤ 1        C: sums of trees, bounded by tables

In an infinite space one value was answered for all of a cell, which history cannot tell apart but own runs can: there
the bound is on every configuration, those of the answered cells among them. And an answer that is far from the best of
all, not to be its near copy, may lie outside what is proven: then only the first one is, and the gap is 0.
"""

from __future__ import annotations

import numpy as np

from app.learn.trees import Trees, summed
from app.search.exact import Shortlist
from app.search.grid import Grid, fold
from app.search.order import Ordered
from app.search.scene import Scene
from app.types import Enumeration


def claim(scene: Scene, best: Shortlist, ordered: Ordered) -> tuple[Enumeration, float | None]:
    """What kind of answer this is, and how far a better score may lie above it, where that is not ruled out."""
    enumeration, question = best.found.enumeration, scene.question
    if enumeration == "exhaustive":
        return enumeration, None
    if question.strategy != "best":  # a batch is chosen jointly: nothing is proven about it
        return "sampled", None
    if not len(ordered.rows) or not ordered.n_acceptable:
        return "bounded", None
    if best.least == -np.inf:  # nothing is left out
        return "exact", None
    cells, complete = question.space.size() is None, ordered.n_acceptable >= question.top_k
    # other values of a refused cell may be acceptable
    n_proven = min(ordered.first_refused, len(best.found)) if cells else len(best.found)
    answered = complete and (scene.adapted or bool((ordered.rows < n_proven).all()))
    if not scene.adapted and enumeration == "exact" and answered:
        return "exact", None
    least = best.bound if cells or enumeration == "bounded" else best.least
    highest = _highest(scene, least, best.grid) if scene.adapted else least
    if highest is None:
        return "bounded", None
    if scene.adapted and enumeration == "exact" and answered and highest <= ordered.scores[question.top_k - 1]:
        return "exact", None
    return "bounded", max(0.0, float(highest - ordered.scores[0]))


def _highest(scene: Scene, least: float, grid: Grid | None) -> float | None:
    """A bound on the expected utility where history's score, times the sign, is `least` at most; None if not known."""
    target = scene.objectives[0]
    posterior, kernel, prior, sign = target.posterior, target.posterior.kernel, target.learner.prior, target.sign
    share = posterior.weights * posterior.scales
    beta = sign * posterior.alpha @ share
    own, views = posterior.points, prior.views
    of_components = kernel.components * own.C.T @ beta
    if any(view.models and view.trees is None for view in views):
        return None
    parts = [(float(w), view.trees) for w, view in zip(of_components, views, strict=True) if view.trees is not None]
    correction = (
        kernel.amplitude * np.maximum(beta, 0.0).sum()
        + np.maximum(prior.responses.modes @ (kernel.across * own.D.T @ beta), 0.0).sum()
        + _most(scene, summed(parts), grid)
    )
    middle = sign * (posterior.location + float(posterior.offsets @ share))
    return float(middle + share.sum() * least + correction)


def _most(scene: Scene, trees: Trees, grid: Grid | None) -> float:
    """A bound on a sum of trees over the whole space: of tables over a grid, or of single trees without one."""
    if grid is not None:
        factors = fold(trees, grid).factors
        return factors.constant + sum(float(table.max()) for table in factors.tables)
    trees = trees.restricted(*scene.fixed)
    return trees.bias + float(np.maximum.reduceat(trees.leaves, trees.first_leaf[:-1]).sum() if len(trees) else 0.0)
