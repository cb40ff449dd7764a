"""What `grid` does tree by tree, in machine code.

Shapes: G groups of trees (`tree`, with offsets `first_tree`) that each read the dimensions `dims` (offsets
`first_dim`); for each of these a map of its classes (offsets `first_map`) with `counts` own classes. Splits are
numbered by `split_of` (S,), and their bits for every class of their dimension lie at `first_bit`.
"""

from __future__ import annotations

import numpy as np

from app.learn.native import native
from app.space.columns import BoolArray, FloatArray, IntArray


@native
def _refine(own: IntArray, n_own: int, bit: BoolArray, number: IntArray) -> int:
    """Split own classes by a bit, numbering them in order of appearance; how many there are then."""
    for i in range(2 * n_own):
        number[i] = -1
    n = 0
    for v in range(len(own)):
        pair = 2 * own[v] + bit[v]
        if number[pair] < 0:
            number[pair] = n
            n += 1
        own[v] = number[pair]
    return n


@native
def classify(
    tree: IntArray,
    first_tree: IntArray,
    dims: IntArray,
    first_dim: IntArray,
    first_map: IntArray,
    first_split: IntArray,
    split_of: IntArray,
    dimension_of: IntArray,
    bits: BoolArray,
    first_bit: IntArray,
    maps: IntArray,
    counts: IntArray,
) -> None:
    """For every group and dimension, which classes its trees tell apart: into `maps` and `counts`."""
    seen = np.full(len(first_bit), -1, np.int64)
    number = np.empty(2 * len(bits) + 2, np.int64)
    place = np.empty(dimension_of.max() + 1, np.int64)
    maps[:] = 0
    counts[:] = 1
    for g in range(len(first_tree) - 1):
        for j in range(first_dim[g], first_dim[g + 1]):
            place[dims[j]] = j
        for i in range(first_tree[g], first_tree[g + 1]):
            for s in range(first_split[tree[i]], first_split[tree[i] + 1]):
                u = split_of[s]
                if seen[u] == g:
                    continue
                seen[u] = g
                j = place[dimension_of[u]]
                own = maps[first_map[j] : first_map[j + 1]]
                counts[j] = _refine(own, counts[j], bits[first_bit[u] : first_bit[u + 1]], number)


@native
def fill(
    tree: IntArray,
    first_tree: IntArray,
    dims: IntArray,
    first_dim: IntArray,
    first_map: IntArray,
    first_split: IntArray,
    split_of: IntArray,
    dimension_of: IntArray,
    bits: BoolArray,
    first_bit: IntArray,
    maps: IntArray,
    counts: IntArray,
    first_leaf: IntArray,
    leaves: FloatArray,
    first_entry: IntArray,
    entries: FloatArray,
) -> None:
    """Add the trees of every group that has room in `entries` to its table, the last dimension varying fastest."""
    place = np.empty(dimension_of.max() + 1, np.int64)
    for g in range(len(first_tree) - 1):
        table = entries[first_entry[g] : first_entry[g + 1]]
        if len(table) == 0:
            continue
        first, k = first_dim[g], first_dim[g + 1] - first_dim[g]
        for j in range(k):
            place[dims[first + j]] = j
        widest = counts[first : first + k].max()
        values, leaf, at = np.zeros((k, widest), np.int64), np.empty((k, widest), np.int64), np.zeros(k, np.int64)
        for j in range(k):
            own = maps[first_map[first + j] : first_map[first + j + 1]]
            for v in range(len(own) - 1, -1, -1):
                values[j, own[v]] = v
        for i in range(first_tree[g], first_tree[g + 1]):
            t = tree[i]
            leaf[:] = 0
            for s in range(first_split[t], first_split[t + 1]):
                u = split_of[s]
                j = place[dimension_of[u]]
                for c in range(counts[first + j]):
                    leaf[j, c] |= int(bits[first_bit[u] + values[j, c]]) << (s - first_split[t])
            _add_tree(table, counts[first : first + k], leaf, at, leaves[first_leaf[t] : first_leaf[t + 1]])


@native
def _add_tree(table: FloatArray, counts: IntArray, leaf: IntArray, at: IntArray, leaves: FloatArray) -> None:
    """Add one tree to a table. Shapes: leaf (k, widest): the bits that each own class sets in the leaf's number."""
    k, width = len(counts), counts[len(counts) - 1]
    at[:] = 0
    for start in range(0, len(table), width):
        base = 0
        for j in range(k - 1):
            base |= leaf[j, at[j]]
        for c in range(width):
            table[start + c] += leaves[base | leaf[k - 1, c]]
        j = k - 2
        while j >= 0:
            at[j] += 1
            if at[j] < counts[j]:
                break
            at[j] = 0
            j -= 1
