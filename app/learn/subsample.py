"""Which runs of a large history are learned from, so that a refit costs the same however long the history is.

Every dataset keeps up to q runs, the q that fills the cap. Its runs are sorted by the metric that most runs report
(those without it last) and cut into q strata; of each one run is kept. So ranks, quantiles and the share of failures
within a dataset stay what they are, and its best and worst runs are kept. Within a stratum a configuration that is not
there yet goes before a repeated one, and a newer run before an older one. The best and the worst of every other
target are kept as well.
"""

from __future__ import annotations

import numpy as np

from app.space.columns import Column, FloatArray, IntArray, NumericColumn
from app.types import RunTable

MAX_RUNS = 60_000
"""Runs that a full refit learns from, about: see the README's Benchmarks for what more would bring."""


def representative(table: RunTable, cap: int = MAX_RUNS) -> IntArray:
    """The rows (at most about `cap`, ascending) of the runs to learn from; all of them where there are no more."""
    n = len(table)
    if n <= cap:
        return np.arange(n)
    sizes = np.bincount(table.dataset, minlength=len(table.datasets))
    kept = np.minimum(sizes, _quota(sizes, cap))
    order = np.lexsort((table.finished_at, _primary(table), table.dataset))
    start = np.cumsum(sizes) - sizes
    dataset = table.dataset[order]
    place = np.arange(n) - start[dataset]
    stratum = np.empty(n, dtype=np.int64)
    stratum[order] = (np.cumsum(kept) - kept)[dataset] + place * kept[dataset] // sizes[dataset]
    extreme = _extremes(table)
    best_first = np.lexsort((-table.finished_at, _repetition(table), ~extreme, stratum))
    first = np.unique(stratum[best_first], return_index=True)[1]
    extreme[best_first[first]] = True
    return np.flatnonzero(extreme)


def _quota(sizes: IntArray, cap: int) -> int:
    """The largest q with sum(min(size, q)) <= cap, but at least 1. Shapes: sizes (t,)."""
    ascending = np.sort(sizes)
    left = np.arange(len(ascending), 0, -1)  # datasets that have at least so many runs
    filled = np.cumsum(ascending) - ascending + ascending * left
    i = int(np.searchsorted(filled, cap, "right"))
    if i == len(ascending):
        return int(ascending[-1])
    return max(int((cap - (np.cumsum(ascending)[i] - ascending[i])) // left[i]), 1)


def _primary(table: RunTable) -> FloatArray:
    """The metric that most runs report (n,), NaN where there is none; a resource where no metric is reported."""
    if not table.targets:
        return np.full(len(table), np.nan)

    def importance(name: str) -> tuple[bool, int, str]:
        return name in table.resources, -int(np.isfinite(table.targets[name]).sum()), name

    return table.targets[min(table.targets, key=importance)]


def _extremes(table: RunTable) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """The best and the worst run of each dataset by each target (n,)."""
    found = np.zeros(len(table), dtype=np.bool_)
    for y in table.targets.values():
        known = np.flatnonzero(np.isfinite(y))
        order = known[np.lexsort((y[known], table.dataset[known]))]
        last = np.append(np.flatnonzero(np.diff(table.dataset[order])), len(order) - 1)
        if len(order):
            found[order[last]] = True
            found[order[np.append(0, last[:-1] + 1)]] = True
    return found


def _repetition(table: RunTable) -> IntArray:
    """How many newer runs of a dataset have the same configuration as a run (n,)."""
    which = _configurations(table)
    order = np.lexsort((-table.finished_at, which, table.dataset))
    same = (np.diff(which[order]) == 0) & (np.diff(table.dataset[order]) == 0)
    place = np.arange(len(table))
    begin = np.maximum.accumulate(np.where(np.append(False, same), 0, place))
    repetition = np.empty(len(table), dtype=np.int64)
    repetition[order] = place - begin
    return repetition


def _configurations(table: RunTable) -> IntArray:
    """A number for each configuration (n,), by which equal ones are told from others."""
    found = np.zeros(len(table), dtype=np.uint64)
    for path in sorted(table.inputs):
        found = (found ^ _bits(table.inputs[path])) * np.uint64(0x9E3779B97F4A7C15)
        found ^= found >> np.uint64(29)
    return found.view(np.int64)


def _bits(column: Column) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    if isinstance(column, NumericColumn):
        return np.where(np.isnan(column.values), 0.5, column.values + 0.0).view(np.uint64)
    return column.codes.astype(np.int64).view(np.uint64)
