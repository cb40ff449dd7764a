"""A sum of trees over a grid as a sum of small tables (*factors*), each over the few dimensions that its trees read.

A grid is a product of dimensions; what a dimension's values set in X is encoded once per value, not per configuration.
Everything else in X is the same for all of them and folds away: into the constant where a tree reads nothing else.

    value   0..W-1 of a dimension, as the space lists them
    class   0..V-1: values that no split tells apart, numbered in the order of their first values, so that the order of
            classes is the order of the first configurations that they stand for
    factor  a table over a scope of dimensions; per dimension, a map from the class to the table's own, coarser one
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.learn.trees import Trees
from app.space.columns import BoolArray, Float32Array, FloatArray, IntArray

MERGED = 16_384
"""Entries up to which trees of one scope share a table."""


@dataclass(frozen=True)
class Dimension:
    """What W values of a parameter set in X. Shapes: features (c,), X (W, c)."""

    features: IntArray
    X: Float32Array


@dataclass(frozen=True)
class Grid:
    """Dimensions that touch disjoint features, and what X holds in all the others. Shapes: x (d,)."""

    dimensions: tuple[Dimension, ...]
    x: Float32Array

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(len(dimension.X) for dimension in self.dimensions)


@dataclass(frozen=True)
class Factors:
    """constant + Σ_i tables_i[maps_i0[x_a], maps_i1[x_b], ...] for scopes_i = (a, b, ...), ascending.

    Sums of entries are exact in float64, in any order (see `learn.trees`).
    """

    sizes: tuple[int, ...]
    constant: float
    scopes: tuple[tuple[int, ...], ...]
    maps: tuple[tuple[IntArray, ...], ...]
    tables: tuple[FloatArray, ...]

    def __call__(self, x: IntArray) -> FloatArray:
        """The score of some points. Shapes: x (n, dimensions) -> (n,)."""
        out = np.full(len(x), self.constant)
        for scope, maps, table in zip(self.scopes, self.maps, self.tables, strict=True):
            out += table[tuple(to_own[x[:, d]] for d, to_own in zip(scope, maps, strict=True))]
        return out


@dataclass(frozen=True)
class Folded:
    """Factors over classes, and the class of every value: one array (W,) for each dimension."""

    factors: Factors
    classes: tuple[IntArray, ...]

    @property
    def n_bytes(self) -> int:
        """Memory of the arrays, bytes."""
        maps = (own for maps in self.factors.maps for own in maps)
        return sum(array.nbytes for array in (*self.factors.tables, *maps, *self.classes))


def fold(trees: Trees, grid: Grid, merged: int = MERGED) -> Folded:
    """The trees' sum over a grid. `merged`: entries up to which trees of one scope share a table."""
    dimension = np.full(len(grid.x), -1)
    for d, part in enumerate(grid.dimensions):
        dimension[part.features] = d
    trees = trees.restricted(grid.x, dimension < 0)
    splits = _distinct_splits(trees)
    classes = [_classes(part, splits) for part in grid.dimensions]
    first = [np.unique(of_values, return_index=True)[1] for of_values in classes]
    bits = _bits(splits, dimension, [(p.features, p.X[rows]) for p, rows in zip(grid.dimensions, first, strict=True)])
    outcome = np.array([bit[0] if (bit == bit[0]).all() else -1 for bit in bits], dtype=np.int8)
    split_of = splits.index
    if (outcome >= 0).any():  # a feature may be the same for all values of its dimension
        split_of = splits.index[outcome[splits.index] < 0]
        trees = trees.decided(outcome[splits.index])
    sizes = tuple(len(rows) for rows in first)
    return Folded(_factors(trees, split_of, dimension[splits.feature], bits, sizes, merged), tuple(classes))


@dataclass(frozen=True)
class _Splits:
    """The u different (feature, border, way with NaN) of some trees, in this order. Shapes: index (S,), others (u,)."""

    feature: IntArray
    border: Float32Array
    nan_is_above: BoolArray
    index: IntArray


def _distinct_splits(trees: Trees) -> _Splits:
    order = np.lexsort((trees.nan_is_above, trees.border, trees.feature))
    feature, border, above = trees.feature[order], trees.border[order], trees.nan_is_above[order]
    new = np.ones(len(order), np.bool_)
    new[1:] = (feature[1:] != feature[:-1]) | (border[1:] != border[:-1]) | (above[1:] != above[:-1])
    index = np.empty(len(order), np.int64)
    index[order] = np.cumsum(new) - 1
    return _Splits(feature[new], border[new], above[new], index)


def _classes(dimension: Dimension, splits: _Splits) -> IntArray:
    """The class of each value (W,)."""
    code = np.zeros(len(dimension.X), np.int64)
    for feature, x in zip(dimension.features.tolist(), dimension.X.T, strict=True):
        borders = np.unique(splits.border[splits.feature == feature])
        if len(borders):
            rank = np.where(np.isnan(x), len(borders) + 1, np.searchsorted(borders, x, side="left"))
            code = np.unique(code * (len(borders) + 2) + rank, return_inverse=True)[1]
    _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
    number = np.empty(len(first), np.int64)
    number[np.argsort(first)] = np.arange(len(first))
    return number[inverse]


def _bits(
    splits: _Splits, dimension: IntArray, representatives: Sequence[tuple[IntArray, Float32Array]]
) -> list[BoolArray]:
    """What each split says of each class (V,) of its dimension."""
    column = {int(j): X[:, c] for features, X in representatives for c, j in enumerate(features)}
    out = []
    for feature, border, above in zip(splits.feature.tolist(), splits.border, splits.nan_is_above, strict=True):
        x = column[feature]
        out.append((x > border) | (above & np.isnan(x)))
    return out


def _factors(
    trees: Trees,
    split_of: IntArray,
    dimension_of: IntArray,
    bits: Sequence[BoolArray],
    sizes: tuple[int, ...],
    merged: int,
) -> Factors:
    """Trees of equal scope in one table, or in several where one would be too large."""
    from app.search import grid_kernels

    first_bit = np.concatenate([[0], np.cumsum([len(bit) for bit in bits], dtype=np.int64)])
    flat_bits = np.concatenate([np.zeros(0, np.bool_), *bits])
    scope = np.zeros((len(trees), len(sizes)), np.bool_)
    scope[np.repeat(np.arange(len(trees)), trees.depth), dimension_of[split_of]] = True
    done: list[tuple[tuple[int, ...], tuple[IntArray, ...], FloatArray]] = []
    groups = _by_scope(scope)
    place = np.add.reduceat(split_of, trees.first_split[:-1]) / trees.depth if len(trees) else np.zeros(0)
    while groups:
        tree, first_tree, dims, first_dim = _flat(groups, scope)
        first_map = np.concatenate([[0], np.cumsum(np.array(sizes, np.int64)[dims])])
        maps, counts = np.empty(first_map[-1], np.int64), np.empty(len(dims), np.int64)
        layout = (tree, first_tree, dims, first_dim, first_map, trees.first_split, split_of, dimension_of)
        grid_kernels.classify(*layout, flat_bits, first_bit, maps, counts)
        n_entries = np.multiply.reduceat(counts.astype(np.float64), first_dim[:-1])
        fits = (n_entries <= merged) | (np.diff(first_tree) == 1)
        first_entry = np.concatenate([[0], np.cumsum(np.where(fits, n_entries, 0).astype(np.int64))])
        entries = np.zeros(first_entry[-1])
        grid_kernels.fill(
            *layout, flat_bits, first_bit, maps, counts, trees.first_leaf, trees.leaves, first_entry, entries
        )
        for g in np.flatnonzero(fits).tolist():
            at = range(first_dim[g], first_dim[g + 1])
            own = tuple(maps[first_map[j] : first_map[j + 1]] for j in at)
            table = entries[first_entry[g] : first_entry[g + 1]].reshape([counts[j] for j in at])
            done.append((tuple(dims[first_dim[g] : first_dim[g + 1]].tolist()), own, table))
        groups = [half for g in np.flatnonzero(~fits).tolist() for half in _halves(groups[g], place)]
    done.sort(key=lambda factor: factor[0])
    scopes, own_maps, tables = zip(*done, strict=True) if done else ((), (), ())
    return Factors(sizes, trees.bias, scopes, own_maps, tables)


def _by_scope(scope: BoolArray) -> list[IntArray]:
    """The trees of every scope. Shapes: scope (T, dimensions)."""
    if not len(scope):
        return []
    _, inverse = np.unique(np.packbits(scope, axis=1), axis=0, return_inverse=True)
    order = np.argsort(inverse.ravel(), kind="stable")
    return np.split(order, np.flatnonzero(np.diff(inverse.ravel()[order])) + 1)


def _flat(groups: Sequence[IntArray], scope: BoolArray) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Groups of trees as arrays: trees and their offsets (G + 1,), dimensions and their offsets (G + 1,)."""
    first_tree = np.concatenate([[0], np.cumsum([len(group) for group in groups])])
    of_group = scope[[group[0] for group in groups]]
    first_dim = np.concatenate([[0], np.cumsum(of_group.sum(axis=1))])
    return np.concatenate(groups), first_tree, np.ascontiguousarray(np.nonzero(of_group)[1]), first_dim


def _halves(group: IntArray, place: FloatArray) -> tuple[IntArray, IntArray]:
    """A group in two, trees that split at near places staying together. Shapes: place (T,) of every tree."""
    order = group[np.argsort(place[group], kind="stable")]
    return order[: len(order) // 2], order[len(order) // 2 :]
