"""Answers that are worth their places: in a sampled space the best candidates are near copies of one another."""

from __future__ import annotations

import numpy as np

from app.space.columns import BoolArray, FloatArray, IntArray

CLOSE = 0.25
"""Configurations nearer than this, in standard deviations of the history, are one answer given twice."""


def spread(E: FloatArray, order: IntArray, k: int) -> IntArray:
    """The first k of an order that are not close to one before them, then the close ones in their order.

    Shapes: E (n, q) coordinates of the kernel's space, order (n,).
    """
    free: BoolArray = np.ones(len(E), dtype=np.bool_)
    chosen: list[int] = []
    for i in order:
        if len(chosen) == k:
            break
        if free[i]:
            chosen.append(int(i))
            free &= np.square(E - E[i]).sum(axis=1) > CLOSE**2
    taken = np.array(chosen, dtype=np.int64)
    rest = order[~np.isin(order, taken)]
    return np.concatenate([taken, rest])[:k]
