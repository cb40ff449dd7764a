"""The best points of a grid, found by scoring all that can be among them, in a bounded memory.

Dimensions are decided one after the other; the last two stay open and make a *block* of points. A decision turns every
table that reads the dimension into a slice of itself, and slices over the same open dimensions are summed. What is
left at a block are four tables, over none, either and both of its dimensions, however many trees there were:

    level l        positions 0..l-1 are decided
    table          a sum over a set of open positions; those that a decision leaves alone are inherited
    joining        a factor is summed into a table as soon as that is small; until then it is looked up

At every level the tables' largest entries bound all that follows: what cannot reach the answer is left out. Equal
scores are ordered by their place in the enumeration, so the answer is the same whatever the number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import combinations, count
from math import prod
from typing import Any

import numpy as np

from app.search.grid import Factors
from app.space.columns import BoolArray, FloatArray, IntArray

MOST_POINTS = 2**62
ENOUGH_POINTS = 256
"""Points of a block that make up for the work on its tables."""
LARGEST_TABLE, LARGEST_TABLE_OF_ALL, SMALLEST_LIMIT = 2**12, 2**18, 2**10
"""Cells of a table where most points are left out, and where all are scored: summing early pays only if they are."""
MOST_CELLS = 2**21
"""Cells of all tables: 16 MiB for each thread."""
CHUNKS = 64
"""Parts of the work that are handed out one by one, for each thread."""


@dataclass(frozen=True)
class Top:
    """The best points, best first; equal ones in enumeration order. `complete`: no other point is better.

    Shapes: x (k, dimensions), scores (k,).
    """

    x: IntArray
    scores: FloatArray
    complete: bool
    bound: float
    """No point scores more than this."""


def n_points(factors: Factors) -> int:
    return prod(factors.sizes)


def scan(factors: Factors, k: int, *, threads: int = 1, stop: BoolArray | None = None, every: bool = False) -> Top:
    """The k best points of at most 2^62.

    `stop` (1,): set by another thread to end it early, with what was found. `every`: points are scored even where
    their bound says that they cannot be among the best.
    """
    from app.search import scan_kernels

    assert n_points(factors) <= MOST_POINTS, "points are numbered in 64 bits"
    k = min(k, n_points(factors))
    stop = np.zeros(1, np.bool_) if stop is None else stop
    plan = _plan(factors, every=every)
    n_blocks = prod(plan.radix[:-2])
    chunk = max(1, -(-n_blocks // (CHUNKS * threads))) if threads > 1 else n_blocks
    starts = count(0, chunk)
    worst = np.full(threads, -np.inf)
    states = [plan.state() for _ in range(threads)]
    heaps = [(np.full(k, -np.inf), np.full(k, np.iinfo(np.int64).max)) for _ in range(threads)]

    def work(thread: int) -> None:
        while (begin := next(starts)) < n_blocks and not stop[0]:
            rest: tuple[Any, ...] = (*plan.arrays, *states[thread], *heaps[thread], worst, thread, stop)
            scan_kernels.scan(begin, min(begin + chunk, n_blocks), *rest)

    if threads == 1:
        work(0)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(threads)))
    return _top(factors, heaps, k, complete=not stop[0])


def _top(factors: Factors, heaps: Sequence[tuple[FloatArray, IntArray]], k: int, *, complete: bool) -> Top:
    scores, points = (np.concatenate(parts) for parts in zip(*heaps, strict=True))
    found = np.isfinite(scores)
    scores, points = scores[found], points[found]
    best = np.lexsort((points, -scores))[:k]
    x = np.array(np.unravel_index(points[best], (1, *factors.sizes)), np.int64)[1:].T
    scores = factors.constant + scores[best]
    highest = factors.constant + sum(float(table.max()) for table in factors.tables)
    return Top(x, scores, complete, float(scores[0]) if complete else highest)


# ---------------------------------------------------------------- the plan


@dataclass
class _Tables:
    """The tables of all levels, in the order in which they are formed. Offsets -1: there is none."""

    first_cell: list[int] = field(default_factory=lambda: [0])
    inherited: list[int] = field(default_factory=list)
    sliced: list[int] = field(default_factory=list)
    joining: list[list[int]] = field(default_factory=list)

    def add(self, size: int, inherited: int, sliced: int, joining: list[int]) -> int:
        """The number of a new table."""
        self.first_cell.append(self.first_cell[-1] + size)
        self.inherited.append(inherited)
        self.sliced.append(sliced)
        self.joining.append(joining)
        return len(self.inherited) - 1


@dataclass(frozen=True)
class _Plan:
    """How many classes each position has, the size of the tables, and what the kernel is told: see its parameters."""

    radix: list[int]
    n_cells: int
    n_tables: int
    arrays: tuple[Any, ...]

    def state(self) -> tuple[FloatArray, FloatArray, IntArray, IntArray]:
        """What a thread keeps from one part of the work to the next; nothing is decided yet."""
        n = len(self.radix)
        return np.zeros(self.n_cells), np.zeros(self.n_tables), np.full(n - 1, -1), np.zeros(n, np.int64)


def _plan(factors: Factors, *, every: bool) -> _Plan:
    order = _order(factors)
    position = {d: p for p, d in enumerate(order)}
    radix = [factors.sizes[d] if d >= 0 else 1 for d in order]
    reads = [sorted((position[d], a) for a, d in enumerate(scope)) for scope in factors.scopes]
    tables, first_table, alive, joined = _tables(
        [[p for p, _ in read] for read in reads], radix, LARGEST_TABLE_OF_ALL if every else LARGEST_TABLE
    )
    in_order = [f for joining in tables.joining for f in joining]
    open_from = {f: level for level, fs in enumerate(joined) for f in fs}
    highest = np.array([table.max() for table in factors.tables])
    late = np.array([open_from[f] for f in range(len(reads))], np.int64)
    rest = np.array([highest[late > level].sum() for level in range(len(joined))])
    strides = _strides(factors.sizes)
    visits = [np.argsort(-_promise(factors, d), kind="stable") if d >= 0 else np.zeros(1, np.int64) for d in order[:-2]]
    last = _last(tables, alive[-1], radix)
    arrays = (
        np.array(radix, np.int64),
        np.array([strides[d] if d >= 0 else 0 for d in order], np.int64),
        _offsets([len(visit) for visit in visits]),
        np.concatenate([np.zeros(0, np.int64), *visits]),
        rest + np.inf if every else rest,
        _offsets([len(of_level) for of_level in alive]),
        np.array([t for of_level in alive for t in of_level.values()], np.int64),
        last,
        np.array(first_table, np.int64),
        np.array(tables.first_cell, np.int64),
        np.array(tables.inherited, np.int64),
        np.array(tables.sliced, np.int64),
        _offsets([len(joining) for joining in tables.joining]),
        *_references(factors, reads, in_order, open_from, radix),
        _offsets([factors.tables[f].size for f in in_order]),
        np.concatenate([np.zeros(0), *(factors.tables[f].ravel() for f in in_order)]),
    )
    return _Plan(radix, tables.first_cell[-1], len(tables.inherited), arrays)


def _order(factors: Factors) -> list[int]:
    """Dimensions with a choice, those that matter most first; two that make a block of enough points last.

    -1 stands for a dimension that is lacking.
    """
    weight = np.zeros(len(factors.sizes))
    for scope, table in zip(factors.scopes, factors.tables, strict=True):
        for axis, d in enumerate(scope):
            weight[d] += table.var(axis=axis).mean()
    live = [d for d, size in enumerate(factors.sizes) if size > 1]
    pairs = [sorted(pair, key=lambda d: (factors.sizes[d], d)) for pair in combinations(live, 2)]
    size = [min(factors.sizes[y] * factors.sizes[z], ENOUGH_POINTS) for y, z in pairs]
    last = min(zip(size, pairs, strict=True), key=lambda p: (-p[0], sum(weight[p[1]]), p[1]))[1] if pairs else live
    first = sorted((d for d in live if d not in last), key=lambda d: (-weight[d], d))
    return [*[-1] * (2 - len(last)), *first, *last]


def _tables(
    reads: Sequence[Sequence[int]], radix: Sequence[int], limit: int
) -> tuple[_Tables, list[int], list[dict[tuple[int, ...], int]], list[list[int]]]:
    """The tables, the first of each level, those in force at each level by open positions, and which factors join."""
    while True:
        joined = _joined(reads, radix, limit)
        tables, first_table, alive = _formed(reads, radix, joined)
        if tables.first_cell[-1] <= MOST_CELLS or limit <= SMALLEST_LIMIT:
            return tables, first_table, alive, joined
        limit //= 4


def _joined(reads: Sequence[Sequence[int]], radix: Sequence[int], limit: int) -> list[list[int]]:
    """At which level each factor's open part is small enough for a table; at a block's it is whatever its size."""
    n_levels = len(radix) - 1
    joined: list[list[int]] = [[] for _ in range(n_levels)]
    for f, positions in enumerate(reads):
        sizes = (prod(radix[p] for p in positions if p >= level) for level in range(n_levels))
        joined[next((level for level, size in enumerate(sizes) if size <= limit), n_levels - 1)].append(f)
    return joined


def _formed(
    reads: Sequence[Sequence[int]], radix: Sequence[int], joined: Sequence[Sequence[int]]
) -> tuple[_Tables, list[int], list[dict[tuple[int, ...], int]]]:
    tables, first_table, alive = _Tables(), [0], []
    before: dict[tuple[int, ...], int] = {}
    for level, factors in enumerate(joined):
        now = {positions: t for positions, t in before.items() if level - 1 not in positions}
        joining: dict[tuple[int, ...], list[int]] = {
            positions[1:]: [] for positions in before if level - 1 in positions
        }
        for f in factors:
            joining.setdefault(tuple(p for p in reads[f] if p >= level), []).append(f)
        for positions, fs in sorted(joining.items()):
            same, whole = before.get(positions), before.get((level - 1, *positions))
            now[positions] = tables.add(
                prod(radix[p] for p in positions),
                -1 if same is None else tables.first_cell[same],
                -1 if whole is None else tables.first_cell[whole],
                fs,
            )
        first_table.append(len(tables.inherited))
        alive.append(now)
        before = now
    return tables, first_table, alive


def _last(tables: _Tables, alive: dict[tuple[int, ...], int], radix: Sequence[int]) -> IntArray:
    """Where the tables of a block begin; one that is not there is a table of zeros, behind all others."""
    y, z = len(radix) - 2, len(radix) - 1
    zeros = tables.first_cell[-1]
    tables.first_cell.append(zeros + radix[y] * radix[z])
    kinds: list[tuple[int, ...]] = [(), (y,), (z,), (y, z)]
    return np.array([tables.first_cell[alive[kind]] if kind in alive else zeros for kind in kinds], np.int64)


def _references(
    factors: Factors,
    reads: Sequence[Sequence[tuple[int, int]]],
    in_order: Sequence[int],
    open_from: dict[int, int],
    radix: Sequence[int],
) -> tuple[IntArray, IntArray, IntArray, IntArray, IntArray, IntArray]:
    """Which positions every factor reads, the decided ones first, and how far each class leads into its table."""
    decided: list[int] = []
    positions: list[int] = []
    steps: list[IntArray] = []
    for f in in_order:
        strides = _strides(factors.tables[f].shape)
        decided.append(len(positions) + sum(p < open_from[f] for p, _ in reads[f]))
        for p, axis in reads[f]:
            positions.append(p)
            steps.append(factors.maps[f][axis] * strides[axis])
    return (
        _offsets([len(reads[f]) for f in in_order]),
        np.array(decided, np.int64),
        np.array(positions, np.int64),
        np.array([radix[p] for p in positions], np.int64),
        _offsets([len(step) for step in steps]),
        np.concatenate([np.zeros(0, np.int64), *steps]),
    )


def _promise(factors: Factors, d: int) -> FloatArray:
    """A bound on what each class of a dimension can bring (V,): the most promising is tried first."""
    out = np.zeros(factors.sizes[d])
    for scope, maps, table in zip(factors.scopes, factors.maps, factors.tables, strict=True):
        if d in scope:
            axis = scope.index(d)
            out += table.max(axis=tuple(a for a in range(table.ndim) if a != axis))[maps[axis]]
    return out


def _offsets(sizes: Sequence[int]) -> IntArray:
    return np.concatenate([[0], np.cumsum(np.array(sizes, np.int64))]).astype(np.int64)


def _strides(sizes: Sequence[int]) -> IntArray:
    """How far apart in the enumeration neighbours along each dimension are."""
    return np.array([prod(sizes[d + 1 :]) for d in range(len(sizes))], np.int64)
