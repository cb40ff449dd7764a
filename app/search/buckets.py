"""Admissible bounds: mini-bucket elimination of a network, the last dimension first.

Factors whose last dimension is i form bucket i. They are joined into *mini-buckets*, tables of at most `limit` entries;
the maximum of each over dimension i is a message to the bucket of its last dimension left, and what every value falls
short of that maximum is the *regret* that the search adds up. Since a maximum is taken in each mini-bucket apart, the
root is an upper bound of every sum; with one mini-bucket per bucket it is the maximum itself.

Source: Dechter and Rish, Mini-buckets, J. ACM 50 (2003); Kask and Dechter, A general scheme for automatic generation
of search heuristics, Artificial Intelligence 129 (2001).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from app.search.network import Network
from app.space.columns import CodeArray, IntArray

MOST_ENTRIES = 10_000_000
"""Of all tables together: 80 MB, and as much again while they are packed."""
LEAST_LIMIT = 256


@dataclass(frozen=True, eq=False)
class Bounds:
    """Mini-buckets of all levels as the descent reads them.

    Shapes: levels (n + 1,) first mini-bucket of each level; per mini-bucket (m,): offsets into `data`, scopes (m + 1,)
    into `dims` and `lookups` (the dimensions before the last, and where their offsets start in `steps`), last (m,)
    where the offsets of the level's own classes start in `steps`.
    """

    root: int
    levels: IntArray
    offsets: IntArray
    scopes: IntArray
    dims: IntArray
    lookups: IntArray
    last: IntArray
    steps: IntArray
    data: IntArray


@dataclass(frozen=True, eq=False)
class _Table:
    """One factor of a bucket. Shapes: maps (sum V,), shape (n,), data flat."""

    maps: CodeArray
    shape: IntArray
    data: IntArray

    @cached_property
    def level(self) -> int:
        """Its last dimension; -1 for a number."""
        read = np.flatnonzero(self.shape > 1)
        return int(read[-1]) if len(read) else -1


def eliminate(network: Network, limit: int) -> Bounds:
    """The bounds with tables of at most `limit` entries, or of the factors' own size where that is more."""
    from app.search import bucket_kernels

    n = len(network.V)
    buckets: list[list[_Table]] = [[] for _ in range(n)]
    root = 0
    for f in range(len(network.maps)):
        part = network.data[network.offsets[f] : network.offsets[f + 1]]
        table = _Table(network.maps[f], network.shapes[f], part)
        if table.level < 0:
            root += int(part[0])
        else:
            buckets[table.level].append(table)
    regrets: list[list[_Table]] = [[] for _ in range(n)]
    left = MOST_ENTRIES
    for level in range(n - 1, -1, -1):
        tables = _joined(network, buckets[level], limit, left)
        left -= sum(len(table.data) for table in tables)
        for joined in tables:
            best = bucket_kernels.subtract_best(joined.data, int(joined.shape[level]))
            regrets[level].append(joined)
            shape = joined.shape.copy()
            shape[level] = 1
            message = _Table(_without(joined.maps, network.starts, level), shape, best)
            if message.level < 0:
                root += int(best[0])
            else:
                buckets[message.level].append(message)
    return _packed(network, root, regrets)


def _without(maps: CodeArray, starts: IntArray, level: int) -> CodeArray:
    maps = maps.copy()
    maps[starts[level] : starts[level + 1]] = 0
    return maps


def _joined(network: Network, tables: list[_Table], limit: int, left: int) -> list[_Table]:
    """A bucket's factors as few tables of at most `limit` entries, and of at most `left` in all if that can be."""
    from app.search import bucket_kernels

    if not tables:
        return []
    tables = sorted(tables, key=lambda table: -len(table.data))
    maps, shapes = np.stack([t.maps for t in tables]), np.stack([t.shape for t in tables])
    while True:
        group, joint_maps, joint_shapes = bucket_kernels.partition(maps, shapes, network.starts, limit)
        if limit <= LEAST_LIMIT or joint_shapes.prod(axis=1).sum() <= left:
            break
        limit //= 4
    joined = []
    for g in range(len(joint_maps)):
        data = np.zeros(int(joint_shapes[g].prod()), dtype=np.int64)
        for f in np.flatnonzero(group == g):
            bucket_kernels.add(data, joint_maps[g], joint_shapes[g], tables[f].data, maps[f], shapes[f], network.starts)
        joined.append(_Table(joint_maps[g], joint_shapes[g], data))
    return joined


def _packed(network: Network, root: int, regrets: list[list[_Table]]) -> Bounds:
    from app.search import bucket_kernels

    n, tables = len(network.V), [table for of_level in regrets for table in of_level]
    level = np.repeat(np.arange(n), [len(of_level) for of_level in regrets])
    shapes = np.array([table.shape for table in tables], dtype=np.int64).reshape(-1, n)
    maps = np.array([table.maps for table in tables], dtype=np.int32).reshape(-1, int(network.starts[-1]))
    read = shapes > 1
    before = read & (np.arange(n) < level[:, None])
    lookups = np.zeros_like(shapes)
    widths = np.where(read, network.V, 0)
    lookups.ravel()[1:] = np.cumsum(widths.ravel())[:-1]
    steps = np.empty(int(widths.sum()), dtype=np.int64)
    bucket_kernels.lay_out(maps, shapes, network.starts, steps)
    return Bounds(
        root,
        levels=np.searchsorted(level, np.arange(n + 1)),
        offsets=np.cumsum([0, *(len(table.data) for table in tables)]),
        scopes=np.concatenate([[0], np.cumsum(before.sum(axis=1))]),
        dims=np.ascontiguousarray(np.nonzero(before)[1]),  # a column of pairs; machine code is made for one layout
        lookups=lookups[before],
        last=lookups[np.arange(len(tables)), level],
        steps=steps,
        data=np.concatenate([np.zeros(0, dtype=np.int64), *(table.data for table in tables)]),
    )
