"""The loops of the descent, in machine code. Symbols as in `descent` and `buckets.Bounds`."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from app.learn.native import native
from app.search.descent import DONE, FULL, PAUSED, TRIED
from app.search.network import FORBIDDEN
from app.space.columns import IntArray

Tables: TypeAlias = tuple[IntArray, ...]
"""V, levels, offsets, scopes, dims, lookups, last, steps, data."""


@native
def children(
    level: int,
    x: IntArray,
    tables: Tables,
    values: IntArray,
) -> None:
    """What each class of a level falls short of the prefix's bound by, into `values` (V,)."""
    V, levels, offsets, scopes, dims, lookups, last, steps, data = tables
    width = V[level]
    values[:width] = 0
    for m in range(levels[level], levels[level + 1]):
        o = offsets[m]
        for q in range(scopes[m], scopes[m + 1]):
            o += steps[lookups[q] + x[dims[q]]]
        s = last[m]
        for a in range(width):
            values[a] += data[o + steps[s + a]]


@native
def advance(
    tables: Tables,
    starts: IntArray,
    first: IntArray,
    place: IntArray,
    x: IntArray,
    bound: IntArray,
    values: IntArray,
    position: IntArray,
    found_x: IntArray,
    found: IntArray,
    bar: int,
    bar_index: IntArray,
    fresh: bool,
    max_nodes: int,
) -> tuple[int, int, int]:
    """(state, nodes visited, leaves found): goes on until it is over, the buffer is full, or enough was visited."""
    V = tables[0]
    n = len(V)
    i = position[0]
    nodes = 0
    n_found = 0
    while i >= 0:
        if fresh:
            if nodes >= max_nodes:
                position[0] = i
                return PAUSED, nodes, n_found
            children(i, x, tables, values[i])
            nodes += V[i]
            fresh = False
        a = 0
        for v in range(1, V[i]):
            if values[i, v] > values[i, a]:
                a = v
        total = bound[i] + values[i, a]
        if total < bar or values[i, a] == TRIED:
            i -= 1
            continue
        values[i, a] = TRIED
        x[i] = a
        if total == bar and not _may_precede(i, x, starts, first, place, bar_index):
            continue
        if i < n - 1:
            i += 1
            bound[i] = total
            fresh = True
            continue
        found_x[n_found] = x
        found[n_found] = total
        n_found += 1
        if n_found == len(found):
            position[0] = i
            return FULL, nodes, n_found
    position[0] = i
    return DONE, nodes, n_found


@native
def _may_precede(i: int, x: IntArray, starts: IntArray, first: IntArray, place: IntArray, bar_index: IntArray) -> bool:
    """Whether some completion of the prefix x[: i + 1] comes before an assignment in the order of enumeration."""
    for d in range(len(place)):
        level = place[d]
        least = first[starts[level] + x[level]] if level <= i else 0
        if least != bar_index[d]:
            return bool(least < bar_index[d])
    return False


@native
def beam(
    tables: Tables,
    root: int,
    width: int,
) -> tuple[IntArray, IntArray]:
    """Whole assignments (at most width, n) and their sums: at each level only the best prefixes go on."""
    V = tables[0]
    n = len(V)
    prefixes = np.zeros((1, n), np.int64)
    bound = np.full(1, root, np.int64)
    values = np.empty(V.max(), np.int64)
    for i in range(n):
        grown = np.empty(len(prefixes) * V[i], np.int64)
        for b in range(len(prefixes)):
            children(i, prefixes[b], tables, values)
            for a in range(V[i]):
                grown[b * V[i] + a] = bound[b] + values[a]
        best = _largest(grown, width)
        following = np.empty((len(best), n), np.int64)
        for b in range(len(best)):
            following[b] = prefixes[best[b] // V[i]]
            following[b, i] = best[b] % V[i]
        prefixes = following
        bound = grown[best]
    return prefixes, bound


@native
def _largest(values: IntArray, count: int) -> IntArray:
    """Where the largest allowed values are, at most so many: of equal ones the first."""
    least = np.int64(FORBIDDEN // 2)
    if len(values) > count:
        least = max(least, np.partition(values, len(values) - count)[len(values) - count])
    above = np.flatnonzero(values > least)
    if least == FORBIDDEN // 2:
        return above
    return np.concatenate((above, np.flatnonzero(values == least)[: count - len(above)]))
