"""Whether the world changed: a new library version, new hardware, a fixed bug that no input tells.

Old runs are not forgotten then, they are told apart: "before the change" becomes an input, which no candidate has.
Trees split on it where it matters, and go on learning from old runs whatever stayed as it was; weights that decay with
age would lose that too.

A change is believed where small models that know it predict the runs since then, of datasets they have not seen, better
than models that do not: by a paired test over these datasets. Without evidence there is no such input.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from catboost import CatBoostRegressor, Pool
from scipy.stats import t as student

from app.learn.boosting import ALONE, varies
from app.learn.scores import plausible, rank_scores, reference_runs, rows_by_dataset, spans_decades
from app.space.columns import BoolArray, CodedColumn, Float32Array, FloatArray, IntArray
from app.types import RunTable

PATH, BEFORE = "environment.era", "before"
QUANTILES = (0.5, 0.7, 0.8, 0.9)
"""Shares of the runs after which the world is tried to have changed."""
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
    rows, reference = _thinned(table.finished_at), reference_runs(table)
    found: list[Era] = []
    for name in targets:
        known = rows[plausible(table.targets[name][rows], resource=name in table.resources) & reference[rows]]
        if len(np.unique(table.dataset[known])) >= MIN_DATASETS and varies(X[known]):
            y = _scores(table, name, known)
            found += _of_target(name, np.asfortranarray(X[known]), y, table, known, fold[known])
    sure = [era for era in found if era.p_value < LEVEL and era.gain > GAIN]
    return min(sure, key=lambda era: era.p_value, default=None)


def _thinned(finished_at: FloatArray) -> IntArray:
    """At most `MAX_RUNS` rows, evenly spaced in time."""
    order = np.argsort(finished_at, kind="stable")
    return np.sort(order[np.unique(np.linspace(0, len(order) - 1, min(len(order), MAX_RUNS)).astype(np.int64))])


def _scores(table: RunTable, name: str, rows: IntArray) -> FloatArray:
    """Outcomes as datasets share them: ranks within a dataset; a resource less its dataset's median."""
    y, dataset, resource = table.targets[name][rows], table.dataset[rows], name in table.resources
    v = np.log(y) if spans_decades(y, dataset, resource=resource) else y
    if not resource:
        return rank_scores(v, dataset, np.ones(len(rows), dtype=np.bool_))
    middle = {int(dataset[i[0]]): np.median(v[i]) for i in rows_by_dataset(dataset)}
    return np.asarray(v - np.array([middle[int(d)] for d in dataset]))


def _of_target(
    name: str, X: Float32Array, y: FloatArray, table: RunTable, rows: IntArray, fold: IntArray
) -> Iterator[Era]:
    """The evidence for a change at each of `QUANTILES`. Shapes: X (n', d), y, rows and fold (n',)."""
    time, dataset = table.finished_at[rows], table.dataset[rows]
    unaware = _errors(X, np.zeros(len(rows), dtype=np.bool_), y, fold)
    for share in QUANTILES:
        since = float(np.quantile(time, share))
        now = time >= since
        saved = (unaware - _errors(X, ~now, y, fold))[now]
        by_dataset = np.array([saved[i].mean() for i in rows_by_dataset(dataset[now])])
        if len(by_dataset) < MIN_DATASETS or (spread := float(by_dataset.std(ddof=1))) == 0:
            continue
        t_value = by_dataset.mean() / spread * np.sqrt(len(by_dataset))
        chance = float(student.sf(t_value, len(by_dataset) - 1)) * len(QUANTILES)
        yield Era(since, name, min(chance, 1.0), float(saved.mean() / max(float(unaware[now].mean()), 1e-300)))


def _errors(X: Float32Array, before: BoolArray, y: FloatArray, fold: IntArray) -> FloatArray:
    """Squared errors (n',) of models that have not seen the datasets they predict, 0 expected of what never varies."""
    told = np.asfortranarray(np.column_stack([X, before.astype(np.float32)]))
    predicted = np.zeros(len(y))
    for k in np.unique(fold):
        rest = fold != k
        if rest.any() and np.ptp(y[rest]) > 0 and varies(told[rest]):
            predicted[~rest] = _small(told[rest], y[rest]).predict(Pool(np.asfortranarray(told[~rest])))
    return np.asarray((y - predicted) ** 2)


def _small(X: Float32Array, y: FloatArray) -> CatBoostRegressor:
    model = CatBoostRegressor(
        iterations=80,
        learning_rate=0.15,
        depth=5,
        border_count=32,
        random_seed=0,
        **ALONE,
    )
    return model.fit(Pool(np.asfortranarray(X), y))
