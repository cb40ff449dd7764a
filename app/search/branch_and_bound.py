"""The k best configurations of a sum of factors, with proof, or the best found and a bound on everything else.

    network    factors as whole numbers, values that nothing tells apart as one class
    bounds     mini-buckets of growing size: small tables settle most questions in milliseconds
    beam       a first answer, so that the search prunes from its first node on
    descent    depth first, until no prefix can beat the k-th best
    expand     classes back to values, ties in the order of enumeration
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from app.search.buckets import Bounds, eliminate
from app.search.descent import DONE, PAUSED, Descent, start
from app.search.grid import Factors
from app.search.network import FORBIDDEN, Network, make_network
from app.space.columns import BoolArray, FloatArray, IntArray

STAGES = ((10_000, 1_000_000), (100_000, 5_000_000), (1_000_000, None))
BEAM = 512
STEP = 500_000
"""Nodes between two questions whether to stop: about 50 ms."""
BUFFER = 1_024

Accept = Callable[[IntArray, FloatArray], BoolArray]
"""Which configurations may be answered at all: value indices (m, n) and scores (m,) -> (m,)."""


@dataclass(frozen=True, eq=False)
class Found:
    """The best, in order. Shapes: indices (k, n) value of each dimension, scores (k,). Nothing that is not among them
    scores above `bound`; `proven` where that is no more than the last of them (or all there are)."""

    indices: IntArray
    scores: FloatArray
    proven: bool
    bound: float
    nodes: int


def top_k(
    factors: Factors, k: int, *, stop: Callable[[], bool] = lambda: False, accept: Accept | None = None
) -> Found:
    """The k best configurations: by score, then in the order of enumeration (the last dimension varies fastest).

    `stop` is asked about every 50 ms. Entries of -inf exclude; `accept` excludes what no table can say, and is only
    asked about the first of values that nothing tells apart.
    """
    from app.search import descent_kernels

    network = make_network(factors)
    best = _Best(network, k, accept)
    nodes = 0
    bound = np.inf
    done = False
    for limit, most in STAGES:
        bounds = eliminate(network, limit)
        if bounds.root < FORBIDDEN // 2:
            done = True
            break
        best.take(*descent_kernels.beam(*_arrays(network, bounds), bounds.root, BEAM))
        done, visited, left = _search(network, bounds, best, most, stop)
        nodes += visited
        bound = min(bound, left)
        if done or stop():
            break
    indices, totals = best.expanded()
    proven = done or (len(totals) == k and bound <= totals[-1])
    last = int(totals[-1]) if len(totals) else FORBIDDEN
    limit_score = float(network.scores(np.array(last if proven else bound, dtype=np.float64)))
    return Found(indices, network.scores(totals), proven, limit_score, nodes)


def _arrays(network: Network, bounds: Bounds) -> tuple[IntArray, ...]:
    b = bounds
    return network.V, b.levels, b.offsets, b.scopes, b.dims, b.lookups, b.last, b.steps, b.data


def _search(
    network: Network, bounds: Bounds, best: _Best, most: int | None, stop: Callable[[], bool]
) -> tuple[bool, int, float]:
    """(over, nodes visited, bound of what was not): a descent until it is over, or has visited enough."""
    from app.search import descent_kernels

    descent = start(network, bounds, BUFFER)
    arrays = _arrays(network, bounds)
    nodes, fresh = 0, True
    while True:
        state, visited, n_found = descent_kernels.advance(
            *arrays,
            network.starts,
            best.first,
            best.place,
            descent.x,
            descent.bound,
            descent.values,
            descent.level,
            descent.found_x,
            descent.found,
            best.bar,
            best.bar_index,
            fresh,
            STEP,
        )
        nodes += visited
        if n_found:
            best.take(descent.found_x[:n_found], descent.found[:n_found])
        if state == DONE:
            return True, nodes, -np.inf
        fresh = state == PAUSED
        if stop() or (most is not None and nodes >= most):
            return False, nodes, _open(descent, fresh)


def _open(descent: Descent, fresh: bool) -> float:
    """The best bound among the nodes that a descent has not visited."""
    level = int(descent.level[0])
    waiting = descent.bound[: level + 1, None] + descent.values[: level + 1]
    seen = level if fresh else level + 1  # the last level's children are not computed yet
    return max(float(waiting[:seen].max(initial=FORBIDDEN)), float(descent.bound[level]) if fresh else FORBIDDEN)


class _Best:
    """The best classes found so far, in order, and what a sum has to reach to join them."""

    def __init__(self, network: Network, k: int, accept: Accept | None) -> None:
        self.network, self.k, self._accept = network, k, accept
        n = len(network.V)
        self.place = np.argsort(network.order, kind="stable")
        self.first = np.concatenate([np.unique(m, return_index=True)[1] for m in network.members])
        self.x = np.zeros((0, n), dtype=np.int64)
        self.totals = np.zeros(0, dtype=np.int64)

    @property
    def bar(self) -> int:
        """The k-th best sum."""
        return int(self.totals[-1]) if len(self.totals) == self.k else FORBIDDEN // 2

    @property
    def bar_index(self) -> IntArray:
        """The k-th best's place in the order of enumeration (n,); behind everything while there are fewer."""
        if len(self.totals) < self.k:
            return np.full(len(self.place), np.iinfo(np.int64).max)
        return self._values(self.x[-1:])[0]

    def _values(self, x: IntArray) -> IntArray:
        """The first values of classes, by dimension. Shapes: (m, n) -> (m, n)."""
        return self.first[x + self.network.starts[:-1]][:, self.place]

    def take(self, x: IntArray, totals: IntArray) -> None:
        """Leaves, some of which may be known already. Shapes: x (m, n), totals (m,)."""
        new = totals >= self.bar
        x, totals = x[new], totals[new]
        if self._accept is not None and len(x):
            allowed = self._accept(self._values(x), self.network.scores(totals))
            x, totals = x[allowed], totals[allowed]
        x, totals = np.concatenate([self.x, x]), np.concatenate([self.totals, totals])
        values = self._values(x)
        order = np.lexsort((*values.T[::-1], -totals))
        again = np.zeros(len(order), dtype=np.bool_)
        again[1:] = (values[order[1:]] == values[order[:-1]]).all(1)
        order = order[~again][: self.k]
        self.x, self.totals = x[order], totals[order]

    def expanded(self) -> tuple[IntArray, IntArray]:
        """The k best configurations of these classes, as value indices, and their sums."""
        n = len(self.place)
        parts, totals = [np.zeros((0, n), dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        for x, total in zip(self.x, self.totals, strict=True):
            rows = self._members(x)
            parts.append(rows)
            totals.append(np.full(len(rows), total))
        rows, sums = np.concatenate(parts), np.concatenate(totals)
        order = np.lexsort((*rows.T[::-1], -sums))[: self.k]
        return rows[order], sums[order]

    def _members(self, x: IntArray) -> IntArray:
        """The first k configurations of classes x (n,) in the order of enumeration: (at most k, n)."""
        members = [np.flatnonzero(self.network.members[p] == x[p]) for p in self.place]
        rows = np.zeros((1, 0), dtype=np.int64)
        for values in members[::-1]:  # the first k of a product are among the first k of its last factors
            values = values[: self.k]
            rows = np.column_stack([np.repeat(values, len(rows)), np.tile(rows, (len(values), 1))])[: self.k]
        return rows
