"""What `trees` does row by row, in machine code."""

from __future__ import annotations

import numpy as np

from app.learn.native import native
from app.space.columns import BoolArray, Float32Array, FloatArray, IntArray

ROWS = 512
"""Rows at a time: their ranks, leaves and sums stay in the first-level cache."""

ByteArray = np.ndarray[tuple[int], np.dtype[np.uint8]]
SignArray = np.ndarray[tuple[int], np.dtype[np.int8]]


@native
def _rank_rows(
    x: Float32Array,
    borders: Float32Array,
    nan_is_above: bool,
    low: np.ndarray[tuple[int], np.dtype[np.int32]],
    out: ByteArray,
) -> None:
    """How many of some borders (1 to 255, ascending) lie below each of n numbers.

    All numbers take each step of their binary search together: no branch to mispredict, three times as fast.
    """
    n, size = len(x), np.int32(len(borders))
    for i in range(n):
        low[i] = 0
    while size > 1:
        half = size >> 1
        for i in range(n):
            low[i] += half if borders[low[i] + half - 1] < x[i] else np.int32(0)
        size -= half
    for i in range(n):
        out[i] = low[i] + np.int32(borders[low[i]] < x[i])
        if nan_is_above and np.isnan(x[i]):
            out[i] = len(borders)


@native
def _add_trees(
    ranks: np.ndarray[tuple[int, int], np.dtype[np.uint8]],
    first_split: IntArray,
    column: IntArray,
    rank: ByteArray,
    first_leaf: IntArray,
    leaves: FloatArray,
    leaf: ByteArray,
    out: FloatArray,
) -> None:
    """Add every tree's leaf to the rows of one block. Shapes: ranks (c, ROWS), leaf (ROWS,), out (rows,)."""
    n = len(out)
    for t in range(len(first_leaf) - 1):
        for i in range(n):
            leaf[i] = 0
        for s in range(first_split[t], first_split[t + 1]):
            bit, least, of_rows = np.uint8(1 << (s - first_split[t])), rank[s], ranks[column[s]]
            for i in range(n):
                leaf[i] |= np.uint8(of_rows[i] >= least) * bit
        of_tree = leaves[first_leaf[t] : first_leaf[t + 1]]
        for i in range(n):
            out[i] += of_tree[leaf[i]]


@native
def predict(
    X: Float32Array,
    feature: IntArray,
    first_border: IntArray,
    borders: Float32Array,
    nan_is_above: BoolArray,
    first_split: IntArray,
    column: IntArray,
    rank: ByteArray,
    first_leaf: IntArray,
    leaves: FloatArray,
    out: FloatArray,
) -> None:
    """Add the trees' values to `out` (n,). Shapes: X (d, n), one row for each feature."""
    ranks = np.empty((len(feature), ROWS), np.uint8)
    low, leaf = np.empty(ROWS, np.int32), np.empty(ROWS, np.uint8)
    for start in range(0, len(out), ROWS):
        end = min(start + ROWS, len(out))
        for c in range(len(feature)):
            of_column = borders[first_border[c] : first_border[c + 1]]
            _rank_rows(X[feature[c], start:end], of_column, nan_is_above[c], low, ranks[c])
        _add_trees(ranks, first_split, column, rank, first_leaf, leaves, leaf, out[start:end])


@native
def decide(
    outcome: SignArray,
    first_split: IntArray,
    first_leaf: IntArray,
    leaves: FloatArray,
    first_kept: IntArray,
    kept: FloatArray,
) -> None:
    """Keep the leaves that known outcomes leave open. Shapes: outcome (S,), first_kept (T + 1,) offsets of `kept`."""
    for t in range(len(first_leaf) - 1):
        for i in range(first_kept[t + 1] - first_kept[t]):
            at, open_bits, bit = 0, i, 1
            for s in range(first_split[t], first_split[t + 1]):
                if outcome[s] < 0:
                    at += bit * (open_bits & 1)
                    open_bits >>= 1
                else:
                    at += bit * outcome[s]
                bit *= 2
            kept[first_kept[t] + i] = leaves[first_leaf[t] + at]
