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


def eliminate(network: Network, limit: int) -> Bounds:
    """The bounds with tables of at most `limit` entries, or of the factors' own size where that is more."""
    from app.search import bucket_kernels

    return _laid_out(
        network,
        *bucket_kernels.eliminate(
            network.maps,
            network.shapes,
            network.starts,
            network.offsets,
            network.data,
            limit,
            MOST_ENTRIES,
            LEAST_LIMIT,
        ),
    )


def _laid_out(
    network: Network, root: int, level: IntArray, maps: CodeArray, shapes: IntArray, offsets: IntArray, data: IntArray
) -> Bounds:
    """Regrets as the descent reads them. Shapes: level (m,) ascending, maps (m, sum V), shapes (m, n)."""
    from app.search import bucket_kernels

    n = len(network.V)
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
        offsets=offsets,
        scopes=np.concatenate([[0], np.cumsum(before.sum(axis=1))]),
        dims=np.ascontiguousarray(np.nonzero(before)[1]),  # a column of pairs; machine code is made for one layout
        lookups=lookups[before],
        last=lookups[np.arange(len(level)), level],
        steps=steps,
        data=data,
    )
