"""What `scan` does block by block, in machine code. See there for the plan that these functions follow."""

from __future__ import annotations

import numpy as np

from app.learn.native import native
from app.space.columns import BoolArray, FloatArray, IntArray

RUN = 256
"""Scores of which the largest is found first: a heap is looked at only where it is large enough."""


@native
def push(scores: FloatArray, points: IntArray, score: float, point: int) -> None:
    """Replace the root of a heap, its worst entry: the lowest score and, of equal ones, the largest point."""
    scores[0], points[0] = score, point
    at, n = 0, len(scores)
    while True:
        child = 2 * at + 1
        if child >= n:
            return
        right = child + 1
        if right < n and _worse(scores, points, right, child):
            child = right
        if not _worse(scores, points, child, at):
            return
        scores[at], scores[child] = scores[child], scores[at]
        points[at], points[child] = points[child], points[at]
        at = child


@native
def _worse(scores: FloatArray, points: IntArray, a: int, b: int) -> bool:
    return scores[a] < scores[b] or (scores[a] == scores[b] and points[a] > points[b])


@native
def _keep(
    block: FloatArray, first: int, point_of: IntArray, scores: FloatArray, points: IntArray, least: float
) -> None:
    """Offer a block's scores to a heap, but none below `least`. Shapes: block and point_of (n,)."""
    n = len(block)
    for start in range(0, n, RUN):
        end = min(start + RUN, n)
        largest = block[start]
        for i in range(start + 1, end):
            largest = max(largest, block[i])
        if largest < max(least, scores[0]):
            continue
        for i in range(start, end):
            score, point = block[i], first + point_of[i]
            if score >= least and (score > scores[0] or (score == scores[0] and point < points[0])):
                push(scores, points, score, point)


@native
def _spread(source: FloatArray, out: FloatArray, before: int, size: int, after: int, assign: bool) -> None:
    """Add a table to one that has one more dimension, of `size`, with these many entries before and after it."""
    if after == 1:
        for a in range(before):
            value = source[a]
            row = out[a * size : (a + 1) * size]
            if assign:
                for b in range(size):
                    row[b] = value
            else:
                for b in range(size):
                    row[b] += value
        return
    for a in range(before):
        part = source[a * after : (a + 1) * after]
        for b in range(size):
            row = out[(a * size + b) * after : (a * size + b + 1) * after]
            if assign:
                for c in range(after):
                    row[c] = part[c]
            else:
                for c in range(after):
                    row[c] += part[c]


@native
def scan(
    first: int,
    end: int,
    radix: IntArray,
    strides: IntArray,
    first_visit: IntArray,
    visits: IntArray,
    first_factor: IntArray,
    target: IntArray,
    first_reference: IntArray,
    position: IntArray,
    first_step: IntArray,
    steps: IntArray,
    first_entry: IntArray,
    entries: IntArray,
    values: FloatArray,
    rest: FloatArray,
    first_cell: IntArray,
    filled: BoolArray,
    spreads: IntArray,
    point_of: IntArray,
    scores: FloatArray,
    points: IntArray,
    worst: FloatArray,
    own: int,
    stop: BoolArray,
) -> int:
    """Offer the blocks first..end-1 to the heap `scores`, `points`; the number of blocks that were looked into.

    Shapes: `worst` (threads,) holds the lowest score in every thread's heap: a block below any of them is left out.
    """
    n_outer, n_tables = len(radix), len(filled)
    cells = np.zeros((n_outer + 1, first_cell[n_tables]))
    largest = np.zeros((n_outer + 1, n_tables))
    holder = np.zeros((n_outer + 1, n_tables), np.int64)
    work = np.empty(first_cell[n_tables])
    digit, visit = np.full(n_outer, -1, np.int64), np.zeros(n_outer, np.int64)
    span = np.ones(n_outer + 1, np.int64)
    for p in range(n_outer - 1, -1, -1):
        span[p] = span[p + 1] * radix[p]
    looked_into, block, level = 0, first, -1
    while block < end and not stop[0]:
        for p in range(n_outer):
            now = block // span[p + 1] % radix[p]
            if now != digit[p]:
                digit[p], visit[p] = now, visits[first_visit[p] + now]
                level = min(level, p)
        level += 1
        bound = 0.0
        while True:
            # tables of this level: those of the level before, and what the newly decided dimension adds
            if level > 0:
                holder[level], largest[level] = holder[level - 1], largest[level - 1]
            _add_factors(
                level, visit, cells, holder[level], largest[level], first_factor, target, first_reference, position,
                first_step, steps, first_entry, entries, values, first_cell,
            )  # fmt: skip
            bound = largest[level].sum() + rest[level]
            if bound < max(scores[0], worst.max()) or level == n_outer:
                break
            level += 1
        if bound >= max(scores[0], worst.max()):
            looked_into += 1
            _form(cells, holder[n_outer], first_cell, filled, spreads, work)
            origin = 0
            for p in range(n_outer):
                origin += visit[p] * strides[p]
            _keep(work[first_cell[n_tables - 1] :], origin, point_of, scores, points, worst.max())
            worst[own] = scores[0]
        block = (block // span[level] + 1) * span[level]
        level = n_outer
    return looked_into


@native
def _add_factors(
    level: int,
    visit: IntArray,
    cells: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    holder: IntArray,
    largest: FloatArray,
    first_factor: IntArray,
    target: IntArray,
    first_reference: IntArray,
    position: IntArray,
    first_step: IntArray,
    steps: IntArray,
    first_entry: IntArray,
    entries: IntArray,
    values: FloatArray,
    first_cell: IntArray,
) -> None:
    """Add the factors whose last outer dimension has just been decided to the tables over inner dimensions."""
    for f in range(first_factor[level], first_factor[level + 1]):
        s = target[f]
        table = cells[level, first_cell[s] : first_cell[s + 1]]
        if level == 0 or holder[s] != level:
            table[:] = cells[holder[s], first_cell[s] : first_cell[s + 1]]
            holder[s] = level
        at = 0
        for r in range(first_reference[f], first_reference[f + 1]):
            at += steps[first_step[r] + visit[position[r]]]
        index = entries[first_entry[f] : first_entry[f + 1]]
        for e in range(len(index)):
            table[e] += values[at + index[e]]
        if f + 1 == first_factor[level + 1] or target[f + 1] != s:
            largest[s] = table.max()


@native
def _form(
    cells: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    holder: IntArray,
    first_cell: IntArray,
    filled: BoolArray,
    spreads: IntArray,
    work: FloatArray,
) -> None:
    """The sum of all tables over the whole block: each is added to one with a dimension more, the smallest first."""
    for s in range(len(filled)):
        if filled[s]:
            work[first_cell[s] : first_cell[s + 1]] = cells[holder[s], first_cell[s] : first_cell[s + 1]]
    for i in range(len(spreads)):
        s, t, before, size, after, assign = spreads[i]
        source, out = work[first_cell[s] : first_cell[s + 1]], work[first_cell[t] : first_cell[t + 1]]
        _spread(source, out, before, size, after, assign == 1)
