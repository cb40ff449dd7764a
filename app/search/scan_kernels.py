"""What `scan` does point by point, in machine code. See there for the plan that these functions follow."""

from __future__ import annotations

import numpy as np

from app.learn.native import native
from app.space.columns import BoolArray, FloatArray, IntArray

RUN = 256
"""Scores of which the largest is found first: a heap is looked at only where it is large enough."""


@native
def _worse(scores: FloatArray, points: IntArray, a: int, b: int) -> bool:
    return bool(scores[a] < scores[b] or (scores[a] == scores[b] and points[a] > points[b]))


@native
def _push(scores: FloatArray, points: IntArray, score: float, point: int) -> None:
    """Replace the root of a heap, its worst entry: the lowest score and, of equal ones, the largest point."""
    scores[0], points[0] = score, point
    at, n = 0, len(scores)
    while 2 * at + 1 < n:
        child = 2 * at + 1
        if child + 1 < n and _worse(scores, points, child + 1, child):
            child += 1
        if not _worse(scores, points, child, at):
            return
        scores[at], scores[child] = scores[child], scores[at]
        points[at], points[child] = points[child], points[at]
        at = child


@native
def _add_factor(
    table: FloatArray,
    values: FloatArray,
    at: int,
    first: int,
    end: int,
    sizes: IntArray,
    first_step: IntArray,
    steps: IntArray,
    index: IntArray,
) -> None:
    """Add what a factor leaves open, references first..end-1, to the table over these dimensions, the last fastest."""
    if first == end:
        table[0] += values[at]
        return
    width = sizes[end - 1]
    of_last = steps[first_step[end - 1] : first_step[end - 1] + width]
    index[first:end] = 0
    for start in range(0, len(table), width):
        here = at
        for r in range(first, end - 1):
            here += steps[first_step[r] + index[r]]
        for i in range(width):
            table[start + i] += values[here + of_last[i]]
        r = end - 2
        while r >= first:
            index[r] += 1
            if index[r] < sizes[r]:
                break
            index[r] = 0
            r -= 1


@native
def _enter(
    level: int,
    visit: IntArray,
    first_table: IntArray,
    first_cell: IntArray,
    inherited: IntArray,
    sliced: IntArray,
    first_joining: IntArray,
    first_reference: IntArray,
    first_open: IntArray,
    position: IntArray,
    sizes: IntArray,
    first_step: IntArray,
    steps: IntArray,
    first_value: IntArray,
    values: FloatArray,
    cells: FloatArray,
    largest: FloatArray,
    index: IntArray,
) -> None:
    """Form the tables that the dimension decided last changes."""
    for t in range(first_table[level], first_table[level + 1]):
        table = cells[first_cell[t] : first_cell[t + 1]]
        n = len(table)
        if inherited[t] >= 0:
            table[:] = cells[inherited[t] : inherited[t] + n]
        else:
            table[:] = 0.0
        if sliced[t] >= 0:
            start = sliced[t] + visit[level - 1] * n
            source = cells[start : start + n]
            for i in range(n):
                table[i] += source[i]
        for f in range(first_joining[t], first_joining[t + 1]):
            at = first_value[f]
            for r in range(first_reference[f], first_open[f]):
                at += steps[first_step[r] + visit[position[r]]]
            _add_factor(table, values, at, first_open[f], first_reference[f + 1], sizes, first_step, steps, index)
        most = table[0]
        for i in range(1, n):
            most = max(most, table[i])
        largest[t] = most


@native
def _keep_block(
    cells: FloatArray,
    last: IntArray,
    height: int,
    width: int,
    origin: int,
    strides: IntArray,
    row: FloatArray,
    scores: FloatArray,
    points: IntArray,
    least: float,
) -> None:
    """Offer all points over the last two dimensions to a heap, but none below `least`.

    Shapes: `last` (4,): where the tables over none, the first, the second and both of them begin.
    """
    none, first, second, both = last
    for y in range(height):
        base = cells[none] + cells[first + y]
        for start in range(0, width, RUN):
            n = min(RUN, width - start)
            of_width = cells[second + start : second + start + n]
            of_both = cells[both + y * width + start : both + y * width + start + n]
            most = -np.inf
            for i in range(n):
                row[i] = base + of_width[i] + of_both[i]
                most = max(most, row[i])
            if most < max(least, scores[0]):
                continue
            for i in range(n):
                point = origin + y * strides[0] + (start + i) * strides[1]
                if row[i] >= least and (row[i] > scores[0] or (row[i] == scores[0] and point < points[0])):
                    _push(scores, points, row[i], point)


@native
def scan(
    begin: int,
    end: int,
    radix: IntArray,
    strides: IntArray,
    first_visit: IntArray,
    visits: IntArray,
    rest: FloatArray,
    first_alive: IntArray,
    alive: IntArray,
    last: IntArray,
    first_table: IntArray,
    first_cell: IntArray,
    inherited: IntArray,
    sliced: IntArray,
    first_joining: IntArray,
    first_reference: IntArray,
    first_open: IntArray,
    position: IntArray,
    sizes: IntArray,
    first_step: IntArray,
    steps: IntArray,
    first_value: IntArray,
    values: FloatArray,
    cells: FloatArray,
    largest: FloatArray,
    digit: IntArray,
    visit: IntArray,
    scores: FloatArray,
    points: IntArray,
    worst: FloatArray,
    own: int,
    stop: BoolArray,
) -> None:
    """Offer the blocks begin..end-1 to the heap `scores`, `points`. A block: all points over the last two dimensions.

    Shapes: `worst` (threads,) holds the lowest score in every thread's heap: what stays below any of them is left out;
    `digit` (positions - 1,) the classes for which a thread's tables `cells` hold, -1 from the first one that is open.
    """
    n_outer = len(radix) - 2
    row, index = np.empty(RUN), np.zeros(len(position), np.int64)
    span = np.ones(n_outer + 1, np.int64)
    for p in range(n_outer - 1, -1, -1):
        span[p] = span[p + 1] * radix[p]
    block, level = begin, n_outer if digit[n_outer] == 0 else -1
    digit[n_outer] = 0
    while block < end and not stop[0]:
        for p in range(n_outer):
            now = block // span[p + 1] % radix[p]
            if now != digit[p]:
                digit[p], visit[p] = now, visits[first_visit[p] + now]
                level = min(level, p)
        least = max(worst.max(), scores[0])
        while level < n_outer:
            level += 1
            _enter(
                level, visit, first_table, first_cell, inherited, sliced, first_joining, first_reference, first_open,
                position, sizes, first_step, steps, first_value, values, cells, largest, index,
            )  # fmt: skip
            bound = rest[level]
            for i in range(first_alive[level], first_alive[level + 1]):
                bound += largest[alive[i]]
            if bound < least:
                digit[level:n_outer] = -1
                break
        else:
            origin = 0
            for p in range(n_outer):
                origin += visit[p] * strides[p]
            height, width = radix[n_outer], radix[n_outer + 1]
            _keep_block(cells, last, height, width, origin, strides[n_outer:], row, scores, points, least)
            worst[own] = scores[0]
        block = (block // span[level] + 1) * span[level]
        level = n_outer
