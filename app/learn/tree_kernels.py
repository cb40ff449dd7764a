"""What `trees` does row by row, in machine code."""

from __future__ import annotations

import numpy as np

from app.learn.native import native
from app.space.columns import BoolArray, CodeArray, Float32Array, FloatArray, IntArray

ROWS = 512
"""Rows at a time: their ranks, leaves and sums stay in the first-level cache."""

CELLS = 256
"""Cells that the range of a column's borders is parted into."""

ByteArray = np.ndarray[tuple[int], np.dtype[np.uint8]]
SignArray = np.ndarray[tuple[int], np.dtype[np.int8]]


@native
def _cell(x: float, low: float, scale: float) -> int:
    """Which of equally wide cells a number lies in: the larger the number, the same cell or a later one."""
    place = (x - low) * scale
    if place > 0:
        return int(place) if place < CELLS - 1 else CELLS - 1
    return 0


@native
def make_cells(
    borders: Float32Array, first_border: IntArray, low: Float32Array, scale: Float32Array
) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    """How many borders of each of c columns lie in earlier cells (c, CELLS + 1): where a search among them begins."""
    before = np.zeros((len(low), CELLS + 1), np.int32)
    for c in range(len(low)):
        for b in range(first_border[c], first_border[c + 1]):
            before[c, _cell(borders[b], low[c], scale[c]) + 1] += 1
        for cell in range(CELLS):
            before[c, cell + 1] += before[c, cell]
    return before


@native
def _rank_rows(
    x: Float32Array,
    borders: Float32Array,
    nan_is_above: bool,
    low: float,
    scale: float,
    before: CodeArray,
    out: ByteArray,
) -> None:
    """How many of some borders (1 to 255, ascending) lie below each of n numbers.

    The cell of a number leaves a border or two to compare with; a binary search among all is mispredicted at each step.
    """
    for i in range(len(x)):
        if np.isnan(x[i]):
            out[i] = len(borders) if nan_is_above else 0
            continue
        cell = _cell(x[i], low, scale)
        rank, end = int(before[cell]), int(before[cell + 1])
        while rank < end:
            middle = (rank + end) // 2
            if borders[middle] < x[i]:
                rank = middle + 1
            else:
                end = middle
        out[i] = rank


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
    low: Float32Array,
    scale: Float32Array,
    before: np.ndarray[tuple[int, int], np.dtype[np.int32]],
    first_split: IntArray,
    column: IntArray,
    rank: ByteArray,
    first_leaf: IntArray,
    leaves: FloatArray,
    out: FloatArray,
) -> None:
    """Add the trees' values to `out` (n,). Shapes: X (d, n), one row for each feature."""
    ranks = np.empty((len(feature), ROWS), np.uint8)
    leaf = np.empty(ROWS, np.uint8)
    for start in range(0, len(out), ROWS):
        end = min(start + ROWS, len(out))
        for c in range(len(feature)):
            of_column, x = borders[first_border[c] : first_border[c + 1]], X[feature[c], start:end]
            _rank_rows(x, of_column, nan_is_above[c], low[c], scale[c], before[c], ranks[c])
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
