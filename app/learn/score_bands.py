"""How many standard deviations an interval must reach, by score: good configurations vary less than bad ones.

Quantiles of grouped residuals for low, middling and high scores where that pays; then widened or narrowed by the one
factor that lets them hold nine tenths of datasets that were left out of making them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import ndtri, stdtrit

from app.learn.calibration import COVERAGE, SHRINKAGE_DATASETS, TINY, thinned, weighted_quantile, weights_by_dataset
from app.space.columns import FloatArray, IntArray

N_BINS = 3
FEW_DATASETS, PARTS = 20, 5
"""Up to so many datasets each is left out by itself; more are left out in so many parts."""
SHRINKAGE_FACTOR = 5.0
"""Datasets with which the factor counts as much as what is expected of it."""


@dataclass(frozen=True)
class ScoreBand:
    """How far residuals reach down (negative) and up at a few scores (b,)."""

    at: FloatArray
    lower: FloatArray
    upper: FloatArray

    def __call__(self, f: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Shapes: scores f (n,) -> (n,), (n,)."""
        return np.interp(f, self.at, self.lower), np.interp(f, self.at, self.upper)


def fit_score_band(f: FloatArray, residual: FloatArray, dataset: IntArray) -> ScoreBand:
    """By score or the same for all, whichever is narrower on the history. Shapes: all (n,)."""
    rows = thinned(dataset)
    f, residual, dataset = f[rows], residual[rows], dataset[rows]
    choices = [_fitted(f, residual, dataset, bins) for bins in (N_BINS, 1)]
    return min(choices, key=lambda band: float(np.mean(np.subtract(*band(f)[::-1]))))


def _fitted(f: FloatArray, residual: FloatArray, dataset: IntArray, bins: int) -> ScoreBand:
    """A shape of band times the one factor with which it holds datasets that took no part in making its shape.

    Of few datasets the factor itself is uncertain: the worst of six decides it. So it is shrunk to what Student's t
    says of that many.
    """
    weights, which = weights_by_dataset(dataset)
    n = int(which.max()) + 1
    part = which % (n if n <= FEW_DATASETS else PARTS)
    beyond = np.zeros(len(f))  # how often each residual exceeds its half of the band
    for k in range(int(part.max()) + 1):
        held = part == k
        rest = ~held if (~held).any() else held
        at, lower, upper = _shape(f[rest], residual[rest], weights[rest], bins)
        halves = np.where(residual[held] < 0, np.interp(f[held], at, lower), np.interp(f[held], at, upper))
        beyond[held] = np.abs(residual[held]) / halves
    own = n / (n + SHRINKAGE_FACTOR)
    student = float(stdtrit(n, 0.5 + COVERAGE / 2) / ndtri(0.5 + COVERAGE / 2))
    times = weighted_quantile(beyond, weights, COVERAGE) ** own * student ** (1 - own)
    at, lower, upper = _shape(f, residual, weights, bins)
    return ScoreBand(at, -times * lower, times * upper)


def _shape(
    f: FloatArray, residual: FloatArray, weights: FloatArray, bins: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Where (bins,), and how far below and above zero residuals reach there.

    Each half is shrunk to what all residuals have in common, the more the fewer datasets there are to tell it from.
    """
    overall = max(weighted_quantile(np.abs(residual), weights, COVERAGE), TINY)
    n = float(weights.sum())
    own = n / (n + SHRINKAGE_DATASETS)
    tail, at, halves = (1 - COVERAGE) / 2, [], []
    for low, high in pairwise(np.quantile(f, np.linspace(0, 1, bins + 1))):
        inside = (f >= low) & (f <= high)
        if not inside.any():  # fewer runs than bins
            continue
        at.append(float(np.median(f[inside])))
        reach = [-weighted_quantile(residual[inside], weights[inside], tail)]
        reach += [weighted_quantile(residual[inside], weights[inside], 1 - tail)]
        halves.append([max(one, 1e-3 * overall) ** own * overall ** (1 - own) for one in reach])
    lower, upper = np.array(halves).T
    return np.array(at), lower, upper
