"""The best points of a grid, found by scoring all of them in a bounded memory: a hundred million a second on one core.

Dimensions are parted into *outer* ones, decided one after the other, and *inner* ones, whose product is a *block* of a
few thousand points. A factor is looked up as soon as its outer dimensions are decided; what is left of it is a table
over inner dimensions. Tables over the same ones are summed, and the block is their sum, each spread over the dimensions
that it lacks. At every level the largest entries bound all that follows: what cannot reach the answer is left out.

    lattice   the 2^m sets of inner dimensions, each with a table; set s has bit i where it has inner dimension i
    visits    the order in which an outer dimension's classes are tried, the most promising first

Equal scores are ordered by their place in the enumeration, so the answer is the same whatever the number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from math import prod

import numpy as np

from app.search.grid import Factors
from app.space.columns import BoolArray, FloatArray, IntArray

BLOCK = 8_192
MAX_INNER = 6
MOST_POINTS = 2**62
CHUNKS = 64
"""Parts of the work that are handed out one by one, for each thread."""


@dataclass(frozen=True)
class Top:
    """The best points, best first; equal ones in enumeration order. `complete`: all points were considered.

    Shapes: x (k, dimensions), scores (k,).
    """

    x: IntArray
    scores: FloatArray
    complete: bool
    bound: float
    """No point scores more than this."""


def n_points(factors: Factors) -> int:
    return prod(factors.sizes)


def scan(factors: Factors, k: int, *, threads: int = 1, stop: BoolArray | None = None, block: int = BLOCK) -> Top:
    """The k best points of at most 2^62. `stop` (1,): set by another thread to end it early, with what was found.

    `block`: points that are scored at a time, at most.
    """
    from app.search import scan_kernels

    assert n_points(factors) <= MOST_POINTS, "points are numbered in 64 bits"
    k = min(k, n_points(factors))
    stop = np.zeros(1, np.bool_) if stop is None else stop
    plan = _plan(factors, block)
    n_blocks = prod(plan.radix)
    chunk = max(1, -(-n_blocks // (CHUNKS * threads)))
    starts = count(0, chunk)
    worst = np.full(threads, -np.inf)
    heaps = [(np.full(k, -np.inf), np.full(k, np.iinfo(np.int64).max)) for _ in range(threads)]

    def work(thread: int) -> None:
        while (first := next(starts)) < n_blocks and not stop[0]:
            end = min(first + chunk, n_blocks)
            scan_kernels.scan(first, end, *plan.arrays, *heaps[thread], worst, thread, stop)

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
    x = (
        np.column_stack(np.unravel_index(points[best], factors.sizes))
        if factors.sizes
        else points[best][:, None][:, :0]
    )
    scores = factors.constant + scores[best]
    highest = factors.constant + sum(float(table.max()) for table in factors.tables)
    bound = float(scores[0]) if complete and len(scores) else highest
    return Top(x.astype(np.int64), scores, complete, bound)


# ---------------------------------------------------------------- the plan


@dataclass(frozen=True)
class _Plan:
    """What the kernel is told, see its parameters; `radix`: how many classes each outer dimension has."""

    radix: list[int]
    arrays: tuple[object, ...]


def _plan(factors: Factors, block: int) -> _Plan:
    live = [d for d, size in enumerate(factors.sizes) if size > 1]
    scope = np.zeros((len(factors.scopes), len(factors.sizes)), np.bool_)
    for f, dims in enumerate(factors.scopes):
        scope[f, list(dims)] = True
    inner = _inner(factors, scope, live, block)
    weight = [float(scope[:, d].sum()) for d in range(len(factors.sizes))]
    outer = sorted((d for d in live if d not in inner), key=lambda d: (-weight[d], d))
    position = {d: p for p, d in enumerate(outer)}
    bit = {d: i for i, d in enumerate(inner)}
    level = [max((position[d] + 1 for d in dims if d in position), default=0) for dims in factors.scopes]
    target = [sum(1 << bit[d] for d in dims if d in bit) for dims in factors.scopes]
    order = sorted(range(len(factors.scopes)), key=lambda f: (level[f], target[f]))
    looked_up = _lookups(factors, order, inner, position)
    sizes = [factors.sizes[d] for d in inner]
    n_cells = [prod(size for i, size in enumerate(sizes) if s >> i & 1) for s in range(1 << len(inner))]
    filled = np.zeros(1 << len(inner), np.bool_)
    filled[target] = True
    visits = [np.argsort(-_promise(factors, d), kind="stable") for d in outer]
    strides = _strides(factors.sizes)
    highest = np.array([factors.tables[f].max() for f in order] or [0.0])
    of_level = np.array([level[f] for f in order] or [0])
    rest = np.array([highest[of_level > p].sum() for p in range(len(outer) + 1)])
    return _Plan(
        [factors.sizes[d] for d in outer],
        (
            np.array([factors.sizes[d] for d in outer], np.int64),
            strides[outer],
            _offsets([len(v) for v in visits]),
            np.concatenate([np.zeros(0, np.int64), *visits]),
            np.searchsorted(np.array([level[f] for f in order], np.int64), np.arange(len(outer) + 2)),
            np.array([target[f] for f in order], np.int64),
            *looked_up,
            rest,
            _offsets(n_cells),
            filled,
            _spreads(sizes, filled),
            _points(sizes, strides[inner]),
        ),
    )


def _offsets(sizes: Sequence[int]) -> IntArray:
    return np.concatenate([[0], np.cumsum(np.array(sizes, np.int64))]).astype(np.int64)


def _strides(sizes: Sequence[int]) -> IntArray:
    """How far apart in the enumeration neighbours along each dimension are."""
    return np.array([prod(sizes[d + 1 :]) for d in range(len(sizes))], np.int64)


def _promise(factors: Factors, d: int) -> FloatArray:
    """A bound on what each class of a dimension can bring (V,)."""
    out = np.zeros(factors.sizes[d])
    for scope, maps, table in zip(factors.scopes, factors.maps, factors.tables, strict=True):
        if d in scope:
            axis = scope.index(d)
            out += table.max(axis=tuple(a for a in range(table.ndim) if a != axis))[maps[axis]]
    return out


def _inner(factors: Factors, scope: BoolArray, live: Sequence[int], block: int) -> list[int]:
    """The inner dimensions, the widest last: one more while that makes a point cheaper and the block small enough."""
    inner: list[int] = []
    cost = np.inf
    while len(inner) < MAX_INNER:
        size = prod(factors.sizes[d] for d in inner)
        options = [d for d in live if d not in inner and size * factors.sizes[d] <= block]
        costs = [_cost(factors, scope, [*inner, d]) for d in options]
        if not costs or min(costs) >= cost:
            break
        cost = min(costs)
        inner.append(options[int(np.argmin(costs))])
    if not inner and live:
        inner = [min(live, key=lambda d: factors.sizes[d])]
    return sorted(inner, key=lambda d: (factors.sizes[d], d))


def _cost(factors: Factors, scope: BoolArray, inner: Sequence[int]) -> float:
    """Additions for each point: of what is left of every factor, and of tables to the block."""
    log_sizes = np.log2(np.array(factors.sizes, np.float64))
    block = 2.0 ** log_sizes[list(inner)].sum()
    is_outer = np.ones(scope.shape[1], np.bool_)
    is_outer[list(inner)] = False
    again = (scope & is_outer).any(axis=1)
    left = 2.0 ** (scope[:, list(inner)] @ log_sizes[list(inner)])
    return float((2.0 * left[again].sum() + 100.0 + 20.0 * again.sum()) / block + len(inner))


def _lookups(
    factors: Factors, order: Sequence[int], inner: Sequence[int], position: dict[int, int]
) -> tuple[IntArray, IntArray, IntArray, IntArray, IntArray, IntArray, FloatArray]:
    """How factors are read: a step for each class of an outer dimension, an index for each cell of the inner ones."""
    n_references, positions, steps, entries, first_value = [], [], [], [], 0
    for f in order:
        scope, maps, table = factors.scopes[f], factors.maps[f], factors.tables[f]
        strides = _strides(table.shape)
        outer = [a for a, d in enumerate(scope) if d in position]
        n_references.append(len(outer))
        positions += [position[scope[a]] for a in outer]
        steps += [maps[a] * strides[a] for a in outer]
        index = np.array([first_value])
        for d in inner:
            if d in scope:
                a = scope.index(d)
                index = (index[:, None] + (maps[a] * strides[a])[None, :]).ravel()
        entries.append(index)
        first_value += table.size
    return (
        _offsets(n_references),
        np.array(positions, np.int64),
        _offsets([len(step) for step in steps]),
        np.concatenate([np.zeros(0, np.int64), *steps]),
        _offsets([len(index) for index in entries]),
        np.concatenate([np.zeros(0, np.int64), *entries]),
        np.concatenate([np.zeros(0), *(factors.tables[f].ravel() for f in order)]),
    )


def _spreads(sizes: Sequence[int], filled: BoolArray) -> IntArray:
    """Which table is added to which, with one dimension more, until all is in the last (the whole block).

    Shapes: rows of source, destination, entries before the new dimension, its size, entries after it, and whether the
    destination is empty before.
    """
    m, full = len(sizes), len(filled) - 1
    active, rows = filled.copy(), []
    active[full] = True
    for s in sorted(range(full), key=lambda s: (s.bit_count(), s)):
        if not active[s]:
            continue
        i = max(i for i in range(m) if not s >> i & 1)
        t = s | 1 << i
        before, after = (
            prod(size for j, size in enumerate(sizes) if s >> j & 1 and (j < i) == is_before)
            for is_before in (True, False)
        )
        empty = not filled[t] and not any(row[1] == t for row in rows)
        rows.append((s, t, before, sizes[i], after, int(empty)))
        active[t] = True
    return np.array(rows, np.int64).reshape(-1, 6)


def _points(sizes: Sequence[int], strides: IntArray) -> IntArray:
    """How far in the enumeration each point of a block lies from its first."""
    points = np.zeros(1, np.int64)
    for size, stride in zip(sizes, strides, strict=True):
        points = (points[:, None] + np.arange(size) * stride).ravel()
    return points
