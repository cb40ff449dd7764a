"""The loops that make a network, in machine code. Symbols as in `network`."""

from __future__ import annotations

import numpy as np

from app.learn.native import native
from app.search.bucket_kernels import pairs
from app.space.columns import CodeArray, FloatArray, IntArray


@native
def refine(label: CodeArray, of_values: IntArray) -> int:
    """Tell values (W,) apart that differ in their label or in `of_values`, in order of appearance; how many there are.

    `label` becomes what was found.
    """
    length = 2
    while length < 2 * len(label):
        length *= 2
    keys, labels = np.empty(length, np.int64), np.empty(length, np.int32)
    return pairs(label, of_values.astype(np.int32), of_values.max() + 1, label, keys, labels)


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
