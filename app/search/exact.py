"""The best configurations of a space that nobody could list: every combination of finite parameters, by history.

A space without rules is folded (`grid`) and scanned (`scan`); one with conditions, forbidden clauses or constraints, or
too large to scan, is searched by branch and bound (`solve`). Without own runs that order is the answer. Own runs add a
correction that does not decompose, so the prior's best `SHORTLIST` and the neighbourhoods of the own runs are compared
under it, and `missed` bounds what lies beyond them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from app.learn.score_trees import score_trees
from app.learn.trees import summed
from app.search import product
from app.search.candidates import EXHAUSTIVE_LIMIT, Candidates, is_one_of
from app.search.grid import Grid
from app.search.means import Means
from app.search.scan import MOST_POINTS, scan
from app.search.scene import Scene
from app.search.solve import solve
from app.space import Columns, SearchSpace, is_among
from app.space.columns import concatenate, n_rows, present, take
from app.types import Enumeration

LISTED_UP_TO = 65_536
"""Configurations that are listed and scored one by one: quicker than folding trees, and all of them are compared."""
SHORTLIST = 16_384
"""Configurations that own runs may reorder."""
SOLVED = 512
"""Configurations that branch and bound is asked for: each one more has to be proven."""
NEIGHBOURS_OF, MOVES, STEP = 16, 16, 0.1


@dataclass(frozen=True)
class Shortlist:
    """The best by history, best first, and what is known of all others.

    `least`: no configuration that is not here scores more by history; -inf where none is left.
    `bound`: no configuration at all scores more by history.
    """

    found: Candidates
    least: float
    bound: float
    grid: Grid | None


def shortlist(scene: Scene, n: int, means: Means) -> Shortlist | None:
    """The best n configurations (or fewer) by history of those that were not tried; None where the space is listed."""
    space = scene.question.space
    if len(scene.objectives) != 1 or not isinstance(space, SearchSpace) or not space.finite:
        return None
    return (_scanned(scene, space, n, means) if product.is_product(space) else None) or _solved(scene, space, means)


def _scanned(scene: Scene, space: SearchSpace, n: int, means: Means) -> Shortlist | None:
    """None where there are too few configurations to fold trees for, or too many to scan."""
    size = prod(parameter.count or 1 for parameter in space.parameters)
    if not size > LISTED_UP_TO:
        return None
    grid, target = product.as_grid(scene, space), scene.objectives[0]
    folded = means.tables.fold(target.learner.prior, target.sign, grid) if grid is not None else None
    if grid is None or folded is None or prod(folded.factors.sizes) > MOST_POINTS:
        return None
    tried = scene.question.tried
    k = min(n + len(tried), size)
    top = scan(folded.factors, k, threads=means.threads, stop=means.stop, every=size <= EXHAUSTIVE_LIMIT)
    values, scores = product.in_values(folded, top, k)
    enumeration: Enumeration = "bounded" if not top.complete else "exhaustive" if size <= EXHAUSTIVE_LIMIT else "exact"
    found = _untried(scene, product.configurations(space, values), enumeration, size)
    least = top.bound if not top.complete else -np.inf if k == size else float(scores[-1])
    return Shortlist(found, least, top.bound, grid)


def _solved(scene: Scene, space: SearchSpace, means: Means) -> Shortlist | None:
    """None where the space is small enough to be listed, cannot be counted, or cannot be taken apart."""
    size, target, tried = space.size(), scene.objectives[0], scene.question.tried
    trees = score_trees(target.learner.prior)
    if size is None or not size > EXHAUSTIVE_LIMIT or trees is None:
        return None
    k = max(SOLVED, scene.question.top_k) + len(tried)
    signed = summed([(target.sign, trees)])
    answer = solve(space, scene.learner.featuriser, scene.encode, signed, k, stop=lambda: bool(means.stop[0]))
    if answer is None or not len(answer.scores):
        return None
    found = _untried(scene, answer.columns, answer.enumeration, size)
    least = answer.bound if answer.enumeration == "bounded" else float(answer.scores[-1])
    return Shortlist(found, least, max(answer.bound, float(answer.scores[0])), None)


def _untried(scene: Scene, columns: Columns, enumeration: Enumeration, size: int) -> Candidates:
    free = ~is_one_of(scene.question.space, columns, scene.question.tried)
    return Candidates(take(columns, np.flatnonzero(free)), enumeration, size)


def with_neighbours(scene: Scene, columns: Columns) -> Columns:
    """The columns, and what lies near the best own runs."""
    space, target = scene.question.space, scene.objectives[0]
    y = np.array([run.targets.get(target.name, np.nan) for run in scene.question.own], dtype=np.float64)
    best = np.argsort(-target.sign * y, kind="stable")[: min(NEIGHBOURS_OF, int(np.isfinite(y).sum()))]
    own = space.encode([scene.question.own[i].inputs for i in best.tolist()])
    own = take(own, np.flatnonzero(present(own[space.keys[0]])))
    near = space.neighbours(own, MOVES, scene.question.seed, STEP) if n_rows(own) else own
    return with_new(scene, columns, near)


def with_new(scene: Scene, columns: Columns, more: Columns) -> Columns:
    """The columns, and of some others those that are not among them and were not tried."""
    space = scene.question.space
    if not n_rows(more):
        return columns
    if not n_rows(columns):
        return more
    known = is_among(space.identity(more), space.identity(columns)) | is_one_of(space, more, scene.question.tried)
    return concatenate([columns, take(more, np.flatnonzero(~known))])
