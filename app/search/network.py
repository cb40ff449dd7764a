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
from typing import NamedTuple

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
    from app.search import network_kernels

    flat = _flat(factors)
    weight, n_rules, largest = network_kernels.measure(flat.layout, flat.first_entry, flat.entries, len(factors.sizes))
    order = search_order(weight, n_rules)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    members = tuple(network_kernels.classes(int(d), factors.sizes[d], flat.layout, flat.maps) for d in order)
    V = np.array([int(m.max()) + 1 for m in members], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(V)])
    first = np.concatenate([np.unique(m, return_index=True)[1] for m in members])
    maps = np.zeros((len(factors.scopes), int(starts[-1])), dtype=np.int32)
    shapes = np.ones((len(factors.scopes), len(order)), dtype=np.int64)
    kept = np.zeros(int(flat.layout.first_class[-1]), dtype=np.int64)
    network_kernels.classify(flat.layout, flat.maps, place, first, starts, maps, shapes, kept)
    offsets = np.concatenate([[0], np.cumsum(shapes.prod(axis=1))])
    unit = float(2.0 ** (math.ceil(math.log2(largest)) - PRECISION)) if largest > 0 else 1.0
    data = np.empty(int(offsets[-1]), dtype=np.int64)
    network_kernels.fill(flat.layout, flat.first_entry, flat.entries, place, shapes, kept, unit, offsets, data)
    return Network(order, members, V, starts, maps, shapes, offsets, data, unit, factors.constant)


def search_order(weight: FloatArray, n_rules: IntArray) -> IntArray:
    """Dimensions that several rules share first, then by how much they move the sum, the most first.

    What is decided early prunes the most; with its parents decided, a parameter's entries are known to be allowed.
    """
    return np.lexsort((-weight, -np.where(n_rules > 1, n_rules, 0)))


class Layout(NamedTuple):
    """Where factors are in flat arrays: factor f has the axes first_axis[f]..first_axis[f + 1] - 1 (a in all).

    Shapes: dims and widths (a,), the dimension and the number of classes of each axis; first_map and first_class
    (a + 1,), where its map, and as much room as it has classes, begin.
    """

    first_axis: IntArray
    dims: IntArray
    widths: IntArray
    first_map: IntArray
    first_class: IntArray


@dataclass(frozen=True, eq=False)
class _Flat:
    """Factors one after the other. Shapes: maps (first_map[-1],), first_entry (F + 1,), entries flat."""

    layout: Layout
    maps: IntArray
    first_entry: IntArray
    entries: FloatArray


def _flat(factors: Factors) -> _Flat:
    dims = [d for scope in factors.scopes for d in scope]
    maps = [own for of_dims in factors.maps for own in of_dims]
    widths = [width for table in factors.tables for width in table.shape]
    layout = Layout(
        _offsets([len(scope) for scope in factors.scopes]),
        np.array(dims, dtype=np.int64),
        np.array(widths, dtype=np.int64),
        _offsets([len(own) for own in maps]),
        _offsets(widths),
    )
    entries = np.concatenate([np.zeros(0), *(table.ravel() for table in factors.tables)])
    first_entry = _offsets([table.size for table in factors.tables])
    return _Flat(layout, np.concatenate([np.zeros(0, dtype=np.int64), *maps]), first_entry, entries)


def _offsets(sizes: Sequence[int]) -> IntArray:
    return np.concatenate([[0], np.cumsum(np.array(sizes, dtype=np.int64))])
