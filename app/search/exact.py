"""The best configurations of a space by history, of all that it has: nothing is listed, and the order is proven.

A product of finite parameters is folded (`grid`) and scanned (`scan`); one with conditions, forbidden clauses or
constraints, with a continuum, or too large to scan, is searched by branch and bound (`solve`). Without own runs that
order is the answer. Own runs add a correction that does not decompose, so the prior's best and the neighbourhoods of
the own runs are compared under it, and `missed` bounds what lies beyond them. The same serves several objectives and
batches, as a start: the best by each objective are among the candidates.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from app.search import product
from app.search.adaptation import AdaptedTarget
from app.search.branch_and_bound import GLANCE, STEADY, UNTIL_PROVEN
from app.search.candidates import EXHAUSTIVE_LIMIT, Candidates, is_one_of
from app.search.grid import Grid
from app.search.means import Means
from app.search.scan import scan
from app.search.scene import Scene
from app.search.solve import Solution, solve
from app.search.stages import stage
from app.space import Columns, SearchSpace, is_among
from app.space.columns import concatenate, n_rows, present, take
from app.types import Enumeration

LISTED_UP_TO = 65_536
"""Configurations that are listed and scored one by one: quicker than folding trees, and all of them are compared."""
SCANNED_UP_TO = 2**26
"""Folded points that are scanned: most are left out by their bounds. Of more, branch and bound leaves out more."""
SHORTLIST = 16_384
"""Configurations that own runs may reorder."""
SOLVED = 128
"""Configurations that branch and bound is asked for, or a multiple: each more is to be proven, and half are spare."""
NEIGHBOURS_OF, MOVES, STEP = 16, 16, 0.1


@dataclass(frozen=True)
class Shortlist:
    """The best by history, best first, and what is known of all others.

    `least`: no configuration that is not here scores more by history; -inf where none is left. Of an infinite space,
    one value stands for all of a cell, and `least` holds for the cells that are not here.
    `bound`: no configuration at all scores more by history.
    """

    found: Candidates
    least: float
    bound: float
    grid: Grid | None


@stage("exact")
def shortlist(scene: Scene, n: int, means: Means) -> Shortlist | None:
    """The best n configurations (or fewer) by history of those that were not tried.

    None where the space is listed, where several objectives leave no such order, or where it cannot be searched.
    """
    if len(scene.objectives) != 1:
        return None
    return _by_target(scene, scene.objectives[0], n, means)


def starts(scene: Scene, means: Means) -> Columns:
    """Of several objectives, the best by each alone."""
    lists = [_by_target(scene, target, SOLVED, means) for target in scene.objectives]
    columns: Columns = {}
    for best in lists:
        if best is not None:
            columns = with_new(scene, columns, take(best.found.columns, np.arange(min(SOLVED, len(best.found)))))
    return columns


def _by_target(scene: Scene, target: AdaptedTarget, n: int, means: Means) -> Shortlist | None:
    space = scene.question.space
    if not isinstance(space, SearchSpace) or (scene.question.hurried and not space.finite):
        return None
    scanned = _scanned(scene, space, target, n, means) if product.is_product(space) else None
    return scanned or _solved(scene, space, target, means)


def _scanned(scene: Scene, space: SearchSpace, target: AdaptedTarget, n: int, means: Means) -> Shortlist | None:
    """None where there are too few configurations to fold trees for, or too many to scan."""
    size = prod(parameter.count or 1 for parameter in space.parameters)
    if not size > LISTED_UP_TO:
        return None
    grid = product.as_grid(scene, space)
    folded = means.tables.fold(target.learner.prior, target.sign, grid) if grid is not None else None
    if grid is None or folded is None or (size > EXHAUSTIVE_LIMIT and prod(folded.factors.sizes) > SCANNED_UP_TO):
        return None
    tried = scene.question.tried
    k = min(n + len(tried), size)
    top = scan(folded.factors, k, threads=means.threads, stop=means.stop, every=size <= EXHAUSTIVE_LIMIT)
    values, scores = product.in_values(folded, top, k)
    enumeration: Enumeration = "bounded" if not top.complete else "exhaustive" if size <= EXHAUSTIVE_LIMIT else "exact"
    found = _untried(scene, product.configurations(space, values), enumeration, size)
    least = top.bound if not top.complete else -np.inf if k == size else float(scores[-1])
    return Shortlist(found, least, top.bound, grid)


def _solved(scene: Scene, space: SearchSpace, target: AdaptedTarget, means: Means) -> Shortlist | None:
    """None where the space is small enough to be listed, or cannot be taken apart."""
    size, question = space.size(), scene.question
    if size is not None and size <= EXHAUSTIVE_LIMIT:
        return None
    k = -(-(max(SOLVED // 2, question.top_k) + len(question.tried)) // SOLVED) * SOLVED
    answer = _solution(scene, space, target, k, _effort(scene, space), means)
    if answer is None or not len(answer.scores):
        return None
    found = _untried(scene, answer.columns, answer.enumeration, size)
    if not len(found):
        return None
    everything = answer.enumeration == "exact" and len(answer.scores) < k and space.finite
    least = -np.inf if everything else answer.bound if answer.enumeration == "bounded" else float(answer.scores[-1])
    return Shortlist(found, least, max(answer.bound, float(answer.scores[0])), None)


def _effort(scene: Scene, space: SearchSpace) -> int:
    """All that time allows where a proof is the answer and can be hoped for; for a start, a glance."""
    proof = len(scene.objectives) == 1 and scene.question.strategy == "best" and not scene.adapted
    return GLANCE if not proof else UNTIL_PROVEN if space.finite else STEADY


def _solution(
    scene: Scene, space: SearchSpace, target: AdaptedTarget, k: int, effort: int, means: Means
) -> Solution | None:
    """Solved once for all questions that differ in nothing but what was run meanwhile, unless time cut it short."""
    question, prior = scene.question, target.learner.prior
    inputs = [sorted(mapping.items()) for mapping in (question.meta_features, question.context)]
    about = repr((target.sign, space.parameters, space.rules, inputs, k, effort))
    if (kept := means.tables.recall(prior, about, Solution)) is not None:
        return kept
    trees = target.score
    if trees is None or means.stop[0]:
        return None
    featuriser, stop = scene.learner.featuriser, means.stop
    answer = solve(space, featuriser, scene.encode, trees, k, effort=effort, stop=lambda: bool(stop[0]))
    if answer is not None and (answer.enumeration == "exact" or not stop[0]):
        means.tables.keep(prior, about, answer)
    return answer


def _untried(scene: Scene, columns: Columns, enumeration: Enumeration, size: int | None) -> Candidates:
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
