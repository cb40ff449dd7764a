"""The loops that make a network, in machine code. Symbols as in `network`, and in its `Layout`."""

from __future__ import annotations

import numpy as np

from app.learn.native import native
from app.search.network import FORBIDDEN, Layout
from app.space.columns import CodeArray, FloatArray, IntArray


@native
def measure(layout: Layout, first_entry: IntArray, entries: FloatArray, n: int) -> tuple[FloatArray, IntArray, float]:
    """How much each dimension moves the sum (n,), how many rules read it (n,), and the largest sum there can be."""
    weight, n_rules, largest = np.zeros(n), np.zeros(n, np.int64), 0.0
    for f in range(len(first_entry) - 1):
        table = entries[first_entry[f] : first_entry[f + 1]]
        axes = slice(layout.first_axis[f], layout.first_axis[f + 1])
        most, finite = 0.0, True
        for value in table:
            if np.isfinite(value):
                most = max(most, abs(value))
            else:
                finite = False
        largest += most
        if finite:
            rough = roughness(table, layout.widths[axes])
            for i, d in enumerate(layout.dims[axes]):
                weight[d] += rough[i]
        else:
            for d in layout.dims[axes]:
                n_rules[d] += 1
    return weight, n_rules, largest


@native
def roughness(table: FloatArray, shape: IntArray) -> FloatArray:
    """The mean squared difference of neighbours along each dimension (n,). Shapes: table flat, of this shape (n,)."""
    found = np.zeros(len(shape))
    inner = 1
    for d in range(len(shape) - 1, -1, -1):
        block = inner * shape[d]
        total = 0.0
        for start in range(0, len(table), block):
            for e in range(start + inner, start + block):
                total += (table[e] - table[e - inner]) ** 2
        if shape[d] > 1:
            found[d] = total / (len(table) // shape[d] * (shape[d] - 1))
        inner = block
    return found


@native
def pairs(a: CodeArray, b: CodeArray, nb: int, out: CodeArray, keys: IntArray, labels: CodeArray) -> int:
    """How many different pairs (a, b) there are; `out` becomes each place's pair, numbered by appearance.

    `keys` and `labels` are scratch: an open hash table of a power of two, at least twice as long as `a`.
    """
    mask = len(keys) - 1
    keys[:] = -1
    count = 0
    for v in range(len(a)):
        key = np.int64(a[v]) * nb + b[v]
        slot = (key * -7046029254386353131 >> 20) & mask  # Fibonacci hashing: 2^64 over the golden ratio
        while keys[slot] != -1 and keys[slot] != key:
            slot = (slot + 1) & mask
        if keys[slot] == -1:
            keys[slot] = key
            labels[slot] = count
            count += 1
        out[v] = labels[slot]
    return count


@native
def classes(d: int, width: int, layout: Layout, maps: IntArray) -> IntArray:
    """Each value's class (width,): the same for two exactly where every factor's is, numbered by appearance."""
    length = 2
    while length < 2 * width:
        length *= 2
    keys, labels = np.empty(length, np.int64), np.empty(length, np.int32)
    label, count = np.zeros(width, np.int32), 1
    for axis in range(len(layout.dims)):
        if layout.dims[axis] == d and count < width:
            own = maps[layout.first_map[axis] : layout.first_map[axis + 1]].astype(np.int32)
            count = pairs(label, own, layout.widths[axis], label, keys, labels)
    return label.astype(np.int64)


@native
def classify(
    layout: Layout,
    values: IntArray,
    place: IntArray,
    first: IntArray,
    starts: IntArray,
    maps: CodeArray,
    shapes: IntArray,
    kept: IntArray,
) -> None:
    """Maps and shapes of the network's factors, and which of its own classes each axis keeps: those that occur.

    Shapes: values flat maps of the factors, first (sum V,) a value of each class.
    """
    for f in range(len(shapes)):
        for axis in range(layout.first_axis[f], layout.first_axis[f + 1]):
            p, width = place[layout.dims[axis]], layout.widths[axis]
            of_values = values[layout.first_map[axis] : layout.first_map[axis + 1]]
            number = np.full(width, -1)
            for v in range(starts[p], starts[p + 1]):
                number[of_values[first[v]]] = 0
            count = 0
            for c in range(width):
                if number[c] == 0:
                    number[c] = count
                    kept[layout.first_class[axis] + count] = c
                    count += 1
            for v in range(starts[p], starts[p + 1]):
                maps[f, v] = number[of_values[first[v]]]
            shapes[f, p] = count


@native
def fill(
    layout: Layout,
    first_entry: IntArray,
    entries: FloatArray,
    place: IntArray,
    shapes: IntArray,
    kept: IntArray,
    unit: float,
    offsets: IntArray,
    data: IntArray,
) -> None:
    """Every table's kept entries as multiples of the unit, in the order of the places of its dimensions."""
    for f in range(len(shapes)):
        table = entries[first_entry[f] : first_entry[f + 1]]
        axes = np.arange(layout.first_axis[f], layout.first_axis[f + 1])
        strides = np.ones(len(axes), np.int64)
        for i in range(len(axes) - 2, -1, -1):
            strides[i] = strides[i + 1] * layout.widths[axes[i + 1]]
        order = np.argsort(place[layout.dims[axes]])
        at = np.zeros(len(axes), np.int64)
        inner = order[-1]
        width = shapes[f, place[layout.dims[axes[inner]]]]
        of_inner = strides[inner] * kept[layout.first_class[axes[inner]] :][:width]
        for o in range(offsets[f], offsets[f + 1], width):
            e = 0
            for i in order[:-1]:
                e += strides[i] * kept[layout.first_class[axes[i]] + at[i]]
            for c in range(width):
                entry = table[e + of_inner[c]]
                data[o + c] = np.int64(np.rint(entry * (1 / unit))) if np.isfinite(entry) else FORBIDDEN
            for i in order[-2::-1]:
                at[i] += 1
                if at[i] < shapes[f, place[layout.dims[axes[i]]]]:
                    break
                at[i] = 0
