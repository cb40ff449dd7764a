"""A sum of CatBoost ensembles as flat arrays, evaluated natively: no Pool, no copy, no interpreter lock.

    f(x) = bias + Σ_t leaves[first_leaf_t + Σ_j 2^j · (x[feature_tj] > border_tj)]

Leaves are rounded to a common grid, so coarse that all sums of them are exact in float64 and so fine that nobody sees
it (2^-50 of the largest sum): whatever order trees are added in, equal configurations have equal scores, and bounds
that are sums of maxima hold without a slack.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from catboost import CatBoostRegressor

from app.learn import cbm
from app.space.columns import BoolArray, Float32Array, FloatArray, IntArray

MAX_DEPTH = 8
"""Splits of a tree: a row's leaf is found in one byte."""
EXACT_BITS = 50
MAX_RANK = 255
TINY, HUGE = 1e-30, 1e30


@dataclass(frozen=True)
class Trees:
    """T oblivious trees with S splits and L leaves in all.

    Shapes: first_split and first_leaf (T + 1,); feature, border and nan_is_above (S,); leaves (L,).
    """

    bias: float
    first_split: IntArray
    feature: IntArray
    border: Float32Array
    nan_is_above: BoolArray
    first_leaf: IntArray
    leaves: FloatArray

    def __len__(self) -> int:
        return len(self.first_leaf) - 1

    @property
    def depth(self) -> IntArray:
        """Splits of each tree (T,)."""
        return np.diff(self.first_split)

    @property
    def n_bytes(self) -> int:
        """Memory of the arrays, bytes."""
        splits = self.feature.nbytes + self.border.nbytes + self.nan_is_above.nbytes
        return self.first_split.nbytes + splits + self.first_leaf.nbytes + self.leaves.nbytes

    @cached_property
    def features_read(self) -> IntArray:
        """The columns of X that any split compares, ascending."""
        return np.unique(self.feature)

    def predict(self, X: Float32Array) -> FloatArray:
        """Shapes: X (n, d) -> (n,). As CatBoost has it: NaN lies below or above all borders, by feature."""
        from app.learn import tree_kernels

        layout = self._layout
        out = np.full(len(X), self.bias)
        columns = np.asfortranarray(X, dtype=np.float32).T
        tree_kernels.predict(
            columns,
            layout.feature,
            layout.first_border,
            layout.borders,
            layout.nan_is_above,
            layout.low,
            layout.scale,
            layout.before,
            self.first_split,
            layout.column,
            layout.rank,
            self.first_leaf,
            self.leaves,
            out,
        )
        return out

    def restricted(self, x: Float32Array, fixed: BoolArray) -> Trees:
        """The same sum where some features are known: their splits are decided, and trees without others vanish.

        Shapes: x and fixed (d,).
        """
        at = x[self.feature]
        above = (at > self.border) | (np.isnan(at) & self.nan_is_above)
        return self.decided(np.where(fixed[self.feature], above, -1).astype(np.int8))

    def decided(self, outcome: np.ndarray[tuple[int], np.dtype[np.int8]]) -> Trees:
        """The same sum with some splits' outcomes known. Shapes: outcome (S,), -1 where it is open."""
        from app.learn import tree_kernels

        open_ = outcome < 0
        if open_.all() and self.depth.all():
            return self
        n_open = np.concatenate([[0], np.cumsum(open_)])[self.first_split]
        depth = np.diff(n_open)
        first_leaf = np.concatenate([[0], np.cumsum(2**depth)])
        leaves = np.empty(first_leaf[-1])
        tree_kernels.decide(outcome, self.first_split, self.first_leaf, self.leaves, first_leaf, leaves)
        alive = depth > 0
        first_split, first_leaf_alive = (np.concatenate([[0], np.cumsum(size[alive])]) for size in (depth, 2**depth))
        return Trees(
            self.bias + float(leaves[first_leaf[:-1][~alive]].sum()),
            first_split,
            self.feature[open_],
            self.border[open_],
            self.nan_is_above[open_],
            first_leaf_alive,
            leaves[np.repeat(alive, 2**depth)],
        )

    @cached_property
    def _layout(self) -> _Layout:
        return _lay_out(self)


@dataclass(frozen=True)
class _Layout:
    """Splits as ranks of borders, one byte each: a feature with more than 255 borders has several columns.

    Shapes: feature and nan_is_above (c,), first_border (c + 1,), borders sorted per column; column and rank (S,); low
    and scale (c,) and before (c, cells + 1) say where in a column to look for a number, see `tree_kernels`.
    """

    feature: IntArray
    nan_is_above: BoolArray
    first_border: IntArray
    borders: Float32Array
    low: Float32Array
    scale: Float32Array
    before: np.ndarray[tuple[int, int], np.dtype[np.int32]]
    column: IntArray
    rank: np.ndarray[tuple[int], np.dtype[np.uint8]]


def _lay_out(trees: Trees) -> _Layout:
    from app.learn import tree_kernels

    # one group per feature and way with NaN: members fitted on different runs may differ in the latter
    group = trees.feature * 2 + trees.nan_is_above
    order = np.lexsort((trees.border, group))
    g, b = group[order], trees.border[order]
    new_group = np.ones(len(g), np.bool_)
    new_group[1:] = g[1:] != g[:-1]
    new = new_group.copy()
    new[1:] |= b[1:] != b[:-1]
    distinct = np.cumsum(new) - 1  # of each split in order, its border among all distinct ones
    first_of_group = np.maximum.accumulate(np.where(new_group, distinct, 0))
    place = distinct - first_of_group
    new_column = new & (place % MAX_RANK == 0)
    column, rank = np.empty(len(g), np.int64), np.empty(len(g), np.uint8)
    column[order] = np.cumsum(new_column) - 1
    rank[order] = place % MAX_RANK + 1
    borders, first_border = b[new], np.append(distinct[new_column], new.sum())
    low, scale = _cells(borders, first_border)
    return _Layout(
        g[new_column] // 2,
        g[new_column] % 2 == 1,
        first_border,
        borders,
        low,
        scale,
        tree_kernels.make_cells(borders, first_border, low, scale),
        column,
        rank,
    )


def _cells(borders: Float32Array, first_border: IntArray) -> tuple[Float32Array, Float32Array]:
    """Where each column's range begins, and cells per unit of it; 0 where it has no width to speak of."""
    from app.learn import tree_kernels

    lowest = np.finfo(np.float32).min  # the border between NaN and all numbers
    first, last = first_border[:-1], first_border[1:] - 1
    low = borders[np.where((borders[first] == lowest) & (first < last), first + 1, first)]
    width = borders[last].astype(np.float64) - low
    scale = np.where((width > TINY) & (width < HUGE), tree_kernels.CELLS / np.maximum(width, TINY), 0.0)
    return low, scale.astype(np.float32)


def read_trees(model: CatBoostRegressor, content: bytes) -> Trees:
    """A model as trees. `content`: the model in CatBoost's binary format. Raises: cbm.Unreadable."""
    found = cbm.read(content)
    if len(found.depth) and found.depth.max() > MAX_DEPTH:
        raise cbm.Unreadable(f"the model has trees of more than {MAX_DEPTH} splits")
    scale, bias = model.get_scale_and_bias()
    first_split, first_leaf = (np.concatenate([[0], np.cumsum(size)]) for size in (found.depth, 2**found.depth))
    leaves = scale * found.leaves
    return Trees(float(bias), first_split, found.feature, found.border, found.nan_is_above, first_leaf, leaves)


def summed(parts: Sequence[tuple[float, Trees]]) -> Trees:
    """Σ weight · trees as one, its leaves on a common grid."""
    weighted = [replace(trees, bias=weight * trees.bias, leaves=weight * trees.leaves) for weight, trees in parts]
    several = [_NONE, *weighted]
    return _on_a_grid(
        Trees(
            sum(trees.bias for trees in several),
            _joined([trees.first_split for trees in several]),
            np.concatenate([trees.feature for trees in several]),
            np.concatenate([trees.border for trees in several]),
            np.concatenate([trees.nan_is_above for trees in several]),
            _joined([trees.first_leaf for trees in several]),
            np.concatenate([trees.leaves for trees in several]),
        )
    )


_NONE = Trees(
    0.0,
    np.zeros(1, np.int64),
    np.zeros(0, np.int64),
    np.zeros(0, np.float32),
    np.zeros(0, np.bool_),
    np.zeros(1, np.int64),
    np.zeros(0),
)


def _joined(firsts: Sequence[IntArray]) -> IntArray:
    """Offsets into arrays as offsets into these arrays one after the other."""
    sizes = np.concatenate([np.diff(first) for first in firsts])
    return np.concatenate([[0], np.cumsum(sizes)])


def _on_a_grid(trees: Trees) -> Trees:
    """The trees with all leaves rounded to multiples of one power of two."""
    largest = np.maximum.reduceat(np.abs(trees.leaves), trees.first_leaf[:-1]) if len(trees) else np.zeros(0)
    total = abs(trees.bias) + float(largest.sum())
    if total == 0.0:
        return trees
    quantum = max(float(2.0 ** (np.frexp(total)[1] - EXACT_BITS)), float(np.finfo(np.float64).tiny))
    return replace(trees, bias=_rounded(trees.bias, quantum), leaves=np.rint(trees.leaves / quantum) * quantum)


def _rounded(value: float, quantum: float) -> float:
    return float(np.rint(value / quantum) * quantum)


def compile_trees(models: Sequence[tuple[float, CatBoostRegressor]]) -> Trees:
    """Σ weight · model as trees.

    Raises: cbm.Unreadable where a model has other than oblivious trees over numbers.
    """
    return summed([(weight, read_trees(model, cbm.model_to_bytes(model))) for weight, model in models])
