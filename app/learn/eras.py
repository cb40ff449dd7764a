"""Whether the world changed: a new library version, new hardware, a fixed bug that no input tells.

Old runs are not forgotten then, they are told apart: "before the change" becomes an input, which no candidate has.
Trees split on it where it matters, and go on learning from old runs whatever stayed as it was; weights that decay with
age would lose that too.

A change is believed where small models that know it predict the newest runs of datasets they have not seen better than
models that do not: by a paired test over these datasets. Without evidence there is no such input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from catboost import CatBoostRegressor, Pool
from scipy.stats import t as student

from app.learn.boosting import varies
from app.learn.scores import plausible, rank_scores, reference_runs, rows_by_dataset, spans_decades
from app.space.columns import BoolArray, CodedColumn, Float32Array, FloatArray, IntArray
from app.types import RunTable

PATH, BEFORE = "environment.era", "before"
QUANTILES = (0.5, 0.7, 0.8, 0.9)
"""Shares of the runs after which the world is tried to have changed."""
NEWEST = 0.1
"""The share of runs, the newest, on which it is decided."""
LEVEL, GAIN = 0.01, 0.05
"""The chance of such evidence without a change, and the share of the squared error that knowing it must save."""
MIN_DATASETS, MAX_RUNS, MIN_SECONDS = 5, 4_000, 3_600.0


@dataclass(frozen=True)
class Era:
    """Since when (POSIX seconds) runs come out differently, the target that showed it first, and how surely."""

    since: float
    target: str
    p_value: float
    gain: float


def with_era(table: RunTable, era: Era | None) -> RunTable:
    """The runs with what tells those from before the change."""
    if era is None or PATH in table.inputs:
        return table
    before = CodedColumn(np.where(table.finished_at < era.since, 0, -1).astype(np.int32), (BEFORE,))
    return replace(table, inputs={**table.inputs, PATH: before})


def find_era(table: RunTable, X: Float32Array, fold: IntArray, targets: Sequence[str]) -> Era | None:
    """The change with the surest evidence, if any. Shapes: X (n, d), fold (n,)."""
    if np.ptp(table.finished_at) < MIN_SECONDS:
        return None
    rows = _thinned(table.finished_at)
    newest = table.finished_at >= np.quantile(table.finished_at[rows], 1 - NEWEST)
    reference = reference_runs(table)
    found = []
    for name in targets:
        known = rows[plausible(table.targets[name][rows], resource=name in table.resources) & reference[rows]]
        if len(np.unique(table.dataset[known[newest[known]]])) >= MIN_DATASETS and varies(X[known]):
            y = _scores(table, name, known)
            found.append(_of_target(name, np.asfortranarray(X[known]), y, table, known, newest, fold))
    sure = [era for era in found if era is not None and era.p_value < LEVEL and era.gain > GAIN]
    return min(sure, key=lambda era: era.p_value, default=None)


def _thinned(finished_at: FloatArray) -> IntArray:
    """At most `MAX_RUNS` rows, evenly spaced in time."""
    order = np.argsort(finished_at, kind="stable")
    return np.sort(order[np.unique(np.linspace(0, len(order) - 1, min(len(order), MAX_RUNS)).astype(np.int64))])


def _scores(table: RunTable, name: str, rows: IntArray) -> FloatArray:
    y, dataset, resource = table.targets[name][rows], table.dataset[rows], name in table.resources
    v = np.log(y) if spans_decades(y, dataset, resource=resource) else y
    return v if resource else rank_scores(v, dataset, np.ones(len(rows), dtype=np.bool_))


def _of_target(
    name: str, X: Float32Array, y: FloatArray, table: RunTable, rows: IntArray, newest: BoolArray, fold: IntArray
) -> Era | None:
    """The best moment for a change of one target, with the evidence for it. Shapes: X (n', d), y and rows (n',)."""
    time, dataset = table.finished_at[rows], table.dataset[rows]
    judged = newest[rows]
    nothing = np.zeros(len(rows), dtype=np.bool_)
    unaware = _errors(X, nothing, y, fold[rows], judged)
    if unaware is None:
        return None
    best: tuple[float, FloatArray] | None = None
    for share in QUANTILES:
        since = float(np.quantile(time, share))
        aware = _errors(X, time < since, y, fold[rows], judged)
        if aware is not None and (best is None or aware.mean() < best[1].mean()):
            best = since, aware
    if best is None:
        return None
    saved = unaware - best[1]
    by_dataset = np.array([saved[i].mean() for i in rows_by_dataset(dataset[judged])])
    error = float(by_dataset.std(ddof=1)) / np.sqrt(len(by_dataset))
    chance = float(student.sf(by_dataset.mean() / error, len(by_dataset) - 1)) if error > 0 else 1.0
    gain = float(saved.mean() / max(float(unaware.mean()), 1e-300))
    return Era(best[0], name, min(chance * len(QUANTILES), 1.0), gain)


def _errors(X: Float32Array, before: BoolArray, y: FloatArray, fold: IntArray, judged: BoolArray) -> FloatArray | None:
    """Squared errors on the judged runs by models that have not seen their datasets; None where that cannot be told."""
    told = np.asfortranarray(np.column_stack([X, before.astype(np.float32)]))
    predicted = np.zeros(len(y))
    for k in np.unique(fold[judged]):
        rest, held = fold != k, (fold == k) & judged
        if not rest.any() or np.ptp(y[rest]) == 0 or not varies(told[rest]):
            return None
        predicted[held] = _small(told[rest], y[rest]).predict(Pool(np.asfortranarray(told[held])))
    return np.asarray((y - predicted)[judged] ** 2)


def _small(X: Float32Array, y: FloatArray) -> CatBoostRegressor:
    model = CatBoostRegressor(
        iterations=80,
        learning_rate=0.15,
        depth=5,
        border_count=32,
        random_seed=0,
        thread_count=1,
        verbose=False,
        allow_writing_files=False,
    )
    return model.fit(Pool(np.asfortranarray(X), y))
