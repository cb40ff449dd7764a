"""What a run would add to the trade-off between several objectives: expected hypervolume improvement.

The volume that a configuration would newly dominate is the part of the box above the own runs' front that lies below
its outcome. Its expectation is an integral over that part: at a point q, the chance that every objective exceeds q. The
chance is a product of normal tails, the integral a mean over quasi-random points, whatever the number of objectives.
Source: Emmerich et al. 2006; the integral by points as in Bader & Zitzler 2011.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr
from scipy.stats import qmc

from app.space.columns import BoolArray, FloatArray

POINTS = 1_024
BLOCK = 256
"""Candidates whose chances are computed at once: bounds the memory."""


def outlook(mean: FloatArray, std: FloatArray, reached: FloatArray, seed: int) -> FloatArray:
    """The points over which improvement is counted: between the worst own outcome and the best hope, none reached yet.

    Shapes: mean, std (n, m) of the candidates' utilities, reached (r, m) of own runs -> points (s, m).
    """
    known = np.vstack([reached, mean])
    reference = np.quantile(known, 0.1, axis=0) if not len(reached) else reached.min(axis=0)
    top = np.maximum((mean + 2.0 * std).max(axis=0), known.max(axis=0))
    reference = np.minimum(reference, top - 1e-9)
    unit = qmc.Sobol(mean.shape[1], seed=np.random.default_rng(seed)).random(POINTS)
    points = reference + unit * (top - reference)
    return np.asarray(points[~dominated(points, reached)])


def dominated(points: FloatArray, by: FloatArray) -> BoolArray:
    """Which points (s,) some row of `by` reaches in every objective. Shapes: points (s, m), by (r, m)."""
    out = np.zeros(len(points), dtype=np.bool_)
    for row in by:
        out |= (row >= points).all(axis=1)
    return out


def expected_improvement(mean: FloatArray, std: FloatArray, points: FloatArray) -> FloatArray:
    """Share of the points that a run is expected to dominate (n,). Shapes: mean, std (n, m), points (s, m)."""
    out = np.zeros(len(mean))
    if not len(points):
        return out
    for start in range(0, len(mean), BLOCK):
        part = slice(start, start + BLOCK)
        chance = np.ones((len(mean[part]), len(points)))
        for j in range(points.shape[1]):
            spread = np.maximum(std[part, j, None], 1e-12)
            chance *= ndtr((mean[part, j, None] - points[None, :, j]) / spread)
        out[part] = chance.mean(axis=1)
    return out
