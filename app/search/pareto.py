"""Several objectives: which candidates no other beats in every one of them. All utilities higher better."""

from __future__ import annotations

import numpy as np

from app.space.columns import FloatArray, IntArray


def fronts(utilities: FloatArray, enough: int) -> IntArray:
    """Pareto front of each candidate, 0 the best; those beyond the first `enough` candidates share the last front.

    Shapes: utilities (n, objectives) -> (n,). Source: nondominated sorting (Deb et al. 2002), peeled front by front.
    """
    n = len(utilities)
    front = np.full(n, -1, dtype=np.int64)
    left = np.arange(n)
    level = 0
    while len(left) and n - len(left) < enough:
        optimal = left[_nondominated(utilities[left])]
        front[optimal] = level
        left = left[front[left] < 0]
        level += 1
    front[left] = level
    return front


def _nondominated(u: FloatArray) -> IntArray:
    """Rows that no other row dominates. In the order of the sum a row can be dominated only by earlier ones."""
    order = np.argsort(-u.sum(1), kind="stable")
    kept: list[int] = []
    optimal = np.empty((0, u.shape[1]))
    for i in order:
        at_least = (optimal >= u[i]).all(1)
        if not (at_least & (optimal > u[i]).any(1)).any():
            kept.append(int(i))
            optimal = np.vstack([optimal, u[i]])
    return np.array(sorted(kept), dtype=np.int64)


def crowding(utilities: FloatArray, front: IntArray) -> FloatArray:
    """How alone each candidate is in its front (n,): the gap between its neighbours, summed over objectives.

    The ends of a front are infinitely alone, so that an answer shows the whole trade-off (ibid., section III-B).
    """
    distance = np.zeros(len(utilities))
    spread = np.maximum(np.ptp(utilities, axis=0), 1e-12)
    for level in np.unique(front):
        rows = np.flatnonzero(front == level)
        for j in range(utilities.shape[1]):
            ordered = rows[np.argsort(utilities[rows, j], kind="stable")]
            distance[ordered[[0, -1]]] = np.inf
            gaps = utilities[ordered[2:], j] - utilities[ordered[:-2], j]
            distance[ordered[1:-1]] += gaps / spread[j]
    return distance
