"""The candidates in order: by merit, jointly for a batch, by Pareto front; what keeps the limits comes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.learn.gaussian_process import Points
from app.search import acquisition, hypervolume, pareto
from app.search.adaptation import AdaptedTarget
from app.search.diversity import spread
from app.search.feasibility import acceptable, probabilities
from app.search.scene import Scene
from app.search.stages import stage
from app.space.columns import Float32Array, FloatArray, IntArray

MAX_BATCH = 64
"""Configurations that are chosen jointly; what is asked for beyond is ordered by its own merit."""


@dataclass(frozen=True)
class Ordered:
    """The answer's rows, best first. Shapes: rows, scores and, with several objectives, fronts (k,).

    `first_refused`: the first row of the candidates that is not acceptable; their number where all are.
    """

    rows: IntArray
    scores: FloatArray
    fronts: IntArray | None
    n_acceptable: int
    first_refused: int


@stage("order")
def order(scene: Scene, X: Float32Array, scores: FloatArray | None = None) -> Ordered:
    """The question's top k of encoded candidates. Shapes: X (n, d), scores (n,) by history where they are known."""
    question = scene.question
    constraints = question.outcome_constraints
    limited = [scene.target(c.metric) for c in constraints if c.metric in scene.learner.targets]
    predictions = {target.name: target.predict(target.points(X)) for target in limited}
    kept = probabilities(constraints, {t.name: t for t in limited}, predictions, len(X))
    failure = scene.failure(X)
    good = acceptable(constraints, kept, failure)
    chance = np.prod([1.0 - failure, *kept], axis=0)
    head = np.flatnonzero(good)
    first_refused = len(X) if good.all() else int(np.argmin(good))
    found = Ordered(*_by_strategy(scene, X, head, chance, scores), len(head), first_refused)
    if len(found.rows) < question.top_k and not good.all():
        found = _completed(found, np.flatnonzero(~good), chance, question.top_k)
    return found


def _by_strategy(
    scene: Scene, X: Float32Array, head: IntArray, chance: FloatArray, scores: FloatArray | None
) -> tuple[IntArray, FloatArray, IntArray | None]:
    """The acceptable candidates in the strategy's order, at most top_k of them: rows, scores and fronts."""
    k = min(scene.question.top_k, len(head))
    if not k:
        return head, np.zeros(0), None
    X = np.asfortranarray(X[head])
    if len(scene.objectives) > 1:
        rows, merit, fronts = _by_front(scene, X, k, chance[head])
        return head[rows], merit, fronts
    known = None if scores is None else scores[head]
    rows, merit = _by_merit(scene, scene.objectives[0], X, k, chance[head], known)
    return head[rows], merit, None


def _by_merit(
    scene: Scene, target: AdaptedTarget, X: Float32Array, k: int, chance: FloatArray, scores: FloatArray | None
) -> tuple[IntArray, FloatArray]:
    strategy = scene.question.strategy
    if strategy == "best":
        if target.incumbent is not None:
            merit = target.mean(target.points(X))
        else:
            merit = scores if scores is not None else target.scores(X)
        rows = np.argsort(-merit, kind="stable")
        rows = spread(target.learner.prior.space(X), rows, k) if scene.sampled else rows[:k]
        return rows, merit[rows]
    points, pending = target.points(X), target.learner.prior.points(scene.X_pending)
    if strategy == "explore":
        return acquisition.thompson(target, points, pending, k, scene.question.seed, weight=chance)
    weight = chance / _cost(scene, X)
    # a gain per second is of what an average configuration would give, as long as nothing has been reached
    baseline = target.sign * float(target.prior.location) if scene.question.per else None
    rows, gains = acquisition.batch(target, points, pending, min(k, MAX_BATCH), weight=weight, baseline=baseline)
    if k > len(rows):
        merit = acquisition.weighted(acquisition.improvement(target, points), weight)
        merit[rows] = -np.inf
        rest = np.argsort(-merit, kind="stable")[: k - len(rows)]
        rows, gains = np.concatenate([rows, rest]), np.concatenate([gains, merit[rest]])
    return rows, gains


def _cost(scene: Scene, X: Float32Array) -> FloatArray:
    """What improvement is divided by (n,): the expected resource where the question names one, else 1."""
    if scene.question.per is None or scene.question.per not in scene.learner.targets:
        return np.ones(len(X))
    target = scene.target(scene.question.per)
    cost = target.predict(target.points(X)).mean
    return np.asarray(np.maximum(cost, 1e-9 * max(float(np.median(cost)), 1e-300)))


def _by_front(scene: Scene, X: Float32Array, k: int, chance: FloatArray) -> tuple[IntArray, FloatArray, IntArray]:
    """By Pareto front of the expected (`best`) or optimistic utilities; inside a front by what is asked for.

    `improve`: by expected hypervolume improvement, jointly. Else the least crowded first.
    """
    points = [target.points(X) for target in scene.objectives]
    expected = scene.question.strategy == "best"
    utilities = np.column_stack(
        [t.mean(p) if expected else t.optimism(p) for t, p in zip(scene.objectives, points, strict=True)]
    )
    front = pareto.fronts(utilities, k)
    rows = np.lexsort((-pareto.crowding(utilities, front), front))[:k]
    if scene.question.strategy == "improve":
        first = _by_hypervolume(scene, points, front, min(k, MAX_BATCH), chance)
        rows = np.concatenate([first, rows[~np.isin(rows, first)]])
        rows = rows[np.argsort(front[rows], kind="stable")][:k]
    return rows, -front[rows].astype(np.float64), front[rows]


def _by_hypervolume(scene: Scene, points: Sequence[Points], front: IntArray, k: int, chance: FloatArray) -> IntArray:
    """A batch of k rows, front by front: each adds most to the trade-off, if those before it turn out as expected."""
    n = len(front)
    beliefs = [
        acquisition.Beliefs(target, at, target.learner.prior.points(scene.X_pending))
        for target, at in zip(scene.objectives, points, strict=True)
    ]
    mean, std = (np.column_stack(part) for part in zip(*(belief.moments(n) for belief in beliefs), strict=True))
    outlook = hypervolume.outlook(mean, std, _reached(scene), scene.question.seed)
    chosen: list[int] = []
    free = np.ones(n, dtype=np.bool_)
    for _ in range(k):
        rows = np.flatnonzero(free & (front == front[free].min()))
        gain = hypervolume.expected_improvement(mean[rows], std[rows], outlook) * chance[rows]
        j = int(rows[np.argmax(gain)])
        chosen.append(j)
        free[j] = False
        outlook = outlook[~hypervolume.dominated(outlook, mean[j : j + 1])]
        for belief in beliefs:
            belief.believe(j)
        mean, std = (np.column_stack(part) for part in zip(*(belief.moments(n) for belief in beliefs), strict=True))
    return np.array(chosen, dtype=np.int64)


def _reached(scene: Scene) -> FloatArray:
    """Utilities of the own runs that report every objective (r, m)."""
    columns = []
    for target in scene.objectives:
        y = np.array([run.targets.get(target.name, np.nan) for run in scene.question.own], dtype=np.float64)
        columns.append(np.where(np.isfinite(y), target.sign * target.learner.scale.to_v(y), np.nan))
    table = np.column_stack(columns)
    return np.asarray(table[np.isfinite(table).all(axis=1)])


def _completed(found: Ordered, rest: IntArray, chance: FloatArray, k: int) -> Ordered:
    """The order with unacceptable candidates after the others, the likeliest to keep the limits first."""
    more = rest[np.argsort(-chance[rest], kind="stable")][: k - len(found.rows)]
    lowest = float(found.scores.min(initial=0.0))
    scores = np.concatenate([found.scores, lowest - 1.0 + chance[more]])
    fronts = (
        None if found.fronts is None else np.concatenate([found.fronts, np.full(len(more), found.fronts.max() + 1)])
    )
    return replace(found, rows=np.concatenate([found.rows, more]), scores=scores, fronts=fronts)
