"""Factors as whole numbers in flat arrays, ready for native loops.

Scores become multiples of a small unit, so that sums do not depend on their order: bounds are exact, ties are ties, and
no pruning needs a slack. Values that no factor tells apart become one class, numbered by their first value.

n  dimensions, in search order            V  (n,) classes of each; `starts` (n + 1,) their sums
F  factors                                maps (F, sum V) class of the network -> class of the factor
shapes (F, n) classes of each factor in each dimension, 1 where it does not read it
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.search.grid import Factors
from app.space.columns import CodeArray, FloatArray, IntArray

PRECISION = 51
"""Bits of the largest sum: more than the trees' own leaves have, so that nothing is rounded."""
FORBIDDEN = -(2**54)
"""What -inf becomes; less than half of it is never a sum, and 500 of them can be added before one overflows."""


@dataclass(frozen=True, eq=False)
class Network:
    """Tables of whole numbers, each flat and in the order of its dimensions, factor f at offsets[f].

    Shapes: order (n,) the dimension at each place; members[i] (W,) class of each value at place i.
    """

    order: IntArray
    members: tuple[IntArray, ...]
    V: IntArray
    starts: IntArray
    maps: CodeArray
    shapes: IntArray
    offsets: IntArray
    data: IntArray
    unit: float
    constant: float

    def scores(self, total: IntArray) -> FloatArray:
        """Sums of the network as scores."""
        return np.asarray(self.constant + total * self.unit, dtype=np.float64)


def make_network(factors: Factors) -> Network:
    """The network of factors whose tables are finite or -inf, in the order that `search_order` chooses."""
    order = search_order(factors)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    members = tuple(_classes(factors, int(d)) for d in order)
    V = np.array([int(m.max()) + 1 for m in members], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(V)])
    first = [np.unique(m, return_index=True)[1] for m in members]
    maps = np.zeros((len(factors.scopes), int(starts[-1])), dtype=np.int32)
    shapes = np.ones((len(factors.scopes), len(order)), dtype=np.int64)
    unit = _unit(factors.tables)
    flat = [np.zeros(0, dtype=np.int64)]
    for f, (scope, of_dims, table) in enumerate(zip(factors.scopes, factors.maps, factors.tables, strict=True)):
        places = place[list(scope)]
        for axis, (p, of_values) in enumerate(zip(places, of_dims, strict=True)):
            of_classes = of_values[first[p]]
            occurs = np.bincount(of_classes, minlength=table.shape[axis]) > 0
            if not occurs.all():  # a table may have more than occur
                of_classes = (np.cumsum(occurs) - 1)[of_classes]
                table = table.compress(occurs, axis=axis)
            maps[f, starts[p] : starts[p + 1]] = of_classes
            shapes[f, p] = table.shape[axis]
        flat.append(_whole(np.transpose(table, np.argsort(places)), unit).ravel())
    offsets = np.cumsum([len(part) for part in flat])
    return Network(order, members, V, starts, maps, shapes, offsets, np.concatenate(flat), unit, factors.constant)


def search_order(factors: Factors) -> IntArray:
    """Dimensions that several rules share first, then by how much they move the sum, the most first.

    What is decided early prunes the most; with its parents decided, a parameter's entries are known to be allowed.
    """
    from app.search import network_kernels

    weight, n_rules = np.zeros(len(factors.sizes)), np.zeros(len(factors.sizes), dtype=np.int64)
    for scope, table in zip(factors.scopes, factors.tables, strict=True):
        if np.isfinite(table).all():
            weight[list(scope)] += network_kernels.roughness(table.ravel(), np.array(table.shape))
        else:
            n_rules[list(scope)] += 1
    return np.lexsort((-weight, -np.where(n_rules > 1, n_rules, 0)))


def _unit(tables: Sequence[FloatArray]) -> float:
    """The power of two that leaves the largest possible sum `PRECISION` bits."""
    largest = sum(float(np.abs(table[np.isfinite(table)]).max(initial=0.0)) for table in tables)
    return float(2.0 ** (math.ceil(math.log2(largest)) - PRECISION)) if largest > 0 else 1.0


def _whole(table: FloatArray, unit: float) -> IntArray:
    if table.min(initial=0.0) > -np.inf:
        return np.rint(table * (1 / unit)).astype(np.int64)
    forbidden = ~np.isfinite(table)
    return np.where(forbidden, FORBIDDEN, np.rint(np.where(forbidden, 0.0, table) / unit)).astype(np.int64)


def _classes(factors: Factors, d: int) -> IntArray:
    """Each value's class (W,): the same for two values exactly where every factor's is, in order of appearance."""
    from app.search import network_kernels

    label = np.zeros(factors.sizes[d], dtype=np.int32)
    count = 1
    for scope, of_dims in zip(factors.scopes, factors.maps, strict=True):
        if d in scope and count < len(label):
            count = network_kernels.refine(label, of_dims[scope.index(d)])
    return label.astype(np.int64)
