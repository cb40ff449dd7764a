"""The k best configurations of a sum of factors, with proof, or the best found and a bound on everything else.

network    factors as whole numbers, values that nothing tells apart as one class
bounds     mini-buckets of growing size: small tables settle most questions in milliseconds
beam       a first answer, so that the search prunes from its first node on
descent    depth first, until no prefix can beat the k-th best
expand     classes back to values, ties in the order of enumeration

How much of this is done is the caller's `effort`: a glance ends after the first bounds and so many nodes, a steady
search after bounds that were shifted a little, so that what they find does not depend on the machine's speed; else
there is no end but the proof, or that of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from app.search.buckets import Bounds, eliminate
from app.search.descent import DONE, PAUSED, start
from app.search.grid import Factors
from app.search.network import FORBIDDEN, Network, make_network
from app.search.shift import BRIEFLY, PATIENTLY, QUICKLY, shifted, with_hubs
from app.space.columns import BoolArray, FloatArray, IntArray

LITTLE, SMALL, LARGE = 3_000, 10_000, 50_000
"""Entries of a mini-bucket: in a steady search, else at first, and where the bounds of the first do not settle it."""
BRIEF, QUICK, PATIENT, MANY = 20_000, 100_000, 500_000, 2_000_000
"""Nodes that are spent in a steady search, at a glance, and twice before better bounds are made: 5 ms to 0.5 s."""
GLANCE, STEADY, UNTIL_PROVEN = 1, 2, 3
RUNGS = 4
NARROW, WIDE = 64, 512
"""Prefixes that a beam keeps: where little is spent on the answer, and where its proof needs the k-th best."""
STEP = 500_000
"""Nodes between two questions whether to stop: about 50 ms."""
BUFFER = 1_024

Accept = Callable[[IntArray, FloatArray], BoolArray]
"""Which configurations may be answered at all: value indices (m, n) and scores (m,) -> (m,)."""


@dataclass(frozen=True, eq=False)
class Found:
    """The best, in order, and a bound on everything else.

    Shapes: indices (k, n) value of each dimension, scores (k,). Nothing that is not among them scores above `bound`;
    `proven` where that is no more than the last of them, or they are all there are.
    """

    indices: IntArray
    scores: FloatArray
    proven: bool
    bound: float
    nodes: int


def top_k(
    factors: Factors,
    k: int,
    *,
    effort: int = UNTIL_PROVEN,
    stop: Callable[[], bool] = lambda: False,
    accept: Accept | None = None,
) -> Found:
    """The k best configurations: by score, then in the order of enumeration (the last dimension varies fastest).

    `effort` is what is spent where the answer is not proven before. `stop` is asked about every 50 ms.
    Entries of -inf exclude; `accept` excludes what no table can say, and is only asked about the first of values that
    nothing tells apart.
    """
    network = make_network(factors)
    search = _Search(_Best(network, k, accept), stop)
    if effort == STEADY:
        search.settle(shifted(with_hubs(network, BRIEFLY)).network, LITTLE, BRIEF, NARROW)
    elif effort == GLANCE:
        search.settle(network, SMALL, QUICK, NARROW)
    else:
        search.settle(network, SMALL, PATIENT, WIDE)
    for work, most in ((QUICKLY, MANY), (PATIENTLY, None)) if effort == UNTIL_PROVEN else ():
        if search.over:
            break
        hubs = shifted(with_hubs(network, work))
        if not search.over:
            search.settle(shifted(hubs).network, LARGE, most, WIDE)
    indices, totals = search.best.expanded()
    last = int(totals[-1]) if len(totals) == k else FORBIDDEN
    proven = search.done or search.bound <= last
    bound = (
        float(network.scores(np.array(last if proven else search.bound))) if last > FORBIDDEN or not proven else -np.inf
    )
    return Found(indices, network.scores(totals), proven, bound, search.nodes)


class _Search:
    """Descents over better and better bounds, and what is known of everything that they have not found."""

    def __init__(self, best: _Best, stop: Callable[[], bool]) -> None:
        self.best, self._stop = best, stop
        self.nodes = 0
        self.bound = np.iinfo(np.int64).max
        self.done = self._stopped = False

    @property
    def over(self) -> bool:
        """Whether there is nothing left to find, or no time."""
        self._stopped = self._stopped or self._stop()
        return self.done or self._stopped

    def settle(self, network: Network, limit: int, most: int | None, width: int) -> None:
        """One set of bounds, a beam, and a descent of at most so many nodes; without a limit, a ladder of descents.

        A rung lies between the bound and the k-th best, so that few prefixes reach it; when its descent is done,
        nothing that was not found scores more. Each rung visits several times what the one above did, the last one
        proves the answer, and when time is up the bound is that of the last rung done.
        """
        from app.search import descent_kernels

        bounds = eliminate(network, limit)
        self.bound = min(self.bound, bounds.root)
        self.best.take(*descent_kernels.beam(_tables(network, bounds), bounds.root, width))
        height = self.bound - self.best.bar
        for rung in range(RUNGS - 1 if most is None else 0, -1, -1):
            floor = self.best.bar + height * rung // RUNGS if rung else FORBIDDEN
            if self.over or not self._descend(network, bounds, floor, most):
                return
            self.bound = min(self.bound, max(floor, self.best.bar))
        self.done = True

    def _descend(self, network: Network, bounds: Bounds, floor: int, most: int | None) -> bool:
        """Visit all prefixes that may reach both the floor and the k-th best; whether that was done."""
        from app.search import descent_kernels

        best, descent = self.best, start(network, bounds, BUFFER)
        tables, d = _tables(network, bounds), descent
        visited, fresh = 0, True
        while True:
            bar, bar_index = (best.bar, best.bar_index) if best.bar >= floor else (floor, best.behind_all)
            state, nodes, n_found = descent_kernels.advance(
                tables,
                network.starts,
                best.first,
                best.place,
                d.x,
                d.bound,
                d.values,
                d.level,
                d.found_x,
                d.found,
                bar,
                bar_index,
                fresh,
                STEP if most is None else min(STEP, most - visited),
            )
            visited += nodes
            self.nodes += nodes
            best.take(descent.found_x[:n_found], descent.found[:n_found])
            if state == DONE:
                return True
            fresh = state == PAUSED
            if self.over or (most is not None and visited >= most):
                return False


def _tables(network: Network, bounds: Bounds) -> tuple[IntArray, ...]:
    b = bounds
    return network.V, b.levels, b.offsets, b.scopes, b.dims, b.lookups, b.last, b.steps, b.data


class _Best:
    """The best classes found so far, in order, and what a sum has to reach to join them.

    Shapes: x (m, n) classes, totals (m,); first and count (sum V,) first value of each class and how many it has.
    `bar` and `bar_index` (n,) are the k-th best configuration's sum and values: a class may hold many configurations.
    """

    def __init__(self, network: Network, k: int, accept: Accept | None) -> None:
        self.network, self.k, self._accept = network, k, accept
        n = len(network.V)
        self.place = np.argsort(network.order, kind="stable")
        self.first = np.concatenate([np.unique(m, return_index=True)[1] for m in network.members])
        self._count = np.concatenate([np.bincount(m) for m in network.members]).astype(np.float64)
        self.x = np.zeros((0, n), dtype=np.int64)
        self.totals = np.zeros(0, dtype=np.int64)
        self.behind_all = np.full(n, np.iinfo(np.int64).max)
        self.bar, self.bar_index = FORBIDDEN // 2, self.behind_all

    def _values(self, x: IntArray) -> IntArray:
        """The first values of classes, by dimension. Shapes: (m, n) -> (m, n)."""
        values: IntArray = self.first[x + self.network.starts[:-1]][:, self.place]
        return values

    def take(self, x: IntArray, totals: IntArray) -> None:
        """Leaves, some of which may be known already. Shapes: x (m, n), totals (m,)."""
        new = totals >= self.bar
        x, totals = x[new], totals[new]
        if self._accept is not None and len(x):
            allowed = self._accept(self._values(x), self.network.scores(totals))
            x, totals = x[allowed], totals[allowed]
        if not len(x):
            return
        x, totals = np.concatenate([self.x, x]), np.concatenate([self.totals, totals])
        values = self._values(x)
        order = np.lexsort((*values.T[::-1], -totals))
        again = np.zeros(len(order), dtype=np.bool_)
        again[1:] = (values[order[1:]] == values[order[:-1]]).all(1)
        order = order[~again][: self.k]  # the first of each of these are k configurations
        x, totals = x[order], totals[order]
        enough = np.cumsum(self._count[x + self.network.starts[:-1]].prod(axis=1)) >= self.k
        if enough.any():
            kept = totals >= totals[np.argmax(enough)]
            x, totals = x[kept], totals[kept]
        self.x, self.totals = x, totals
        if enough.any():
            tied = totals == totals[-1]
            n_better = int(self._count[x[~tied] + self.network.starts[:-1]].prod(axis=1).sum())
            ties = self._members(x[tied])
            self.bar, self.bar_index = int(totals[-1]), ties[np.lexsort(ties.T[::-1])][self.k - n_better - 1]

    def expanded(self) -> tuple[IntArray, IntArray]:
        """The k best configurations of these classes, as value indices (k, n), and their sums."""
        several = self._count[self.x + self.network.starts[:-1]].prod(axis=1) > 1
        rows, sums = [self._values(self.x[~several])], [self.totals[~several]]
        for x, total in zip(self.x[several], self.totals[several], strict=True):
            rows.append(self._members(x[None]))
            sums.append(np.full(len(rows[-1]), total))
        found, totals = np.concatenate(rows), np.concatenate(sums)
        order = np.lexsort((*found.T[::-1], -totals))[: self.k]
        return found[order], totals[order]

    def _members(self, classes: IntArray) -> IntArray:
        """The first k configurations of each of some classes (m, n), in the order of enumeration: (at most m k, n)."""
        if (self._count[classes + self.network.starts[:-1]] == 1).all():
            return self._values(classes)
        found = []
        for x in classes:
            rows = np.zeros((1, 0), dtype=np.int64)
            for p in self.place[::-1]:  # the first k of a product are among the first k of its last factors
                values = np.flatnonzero(self.network.members[p] == x[p])[: self.k]
                rows = np.column_stack([np.repeat(values, len(rows)), np.tile(rows, (len(values), 1))])[: self.k]
            found.append(rows)
        return np.concatenate(found)
