"""How wide an interval must be to hold the outcome of a real run on a dataset never seen, nine times in ten.

Zero-shot: quantiles of grouped residuals (every dataset counts once, and was seen by none of what predicted it), taken
separately for low, middling and high scores where that pays, since good configurations vary less than bad ones; then
widened or narrowed by the one factor that lets them hold nine tenths of datasets that were left out of making them.
With own runs the posterior takes over: see `few_shot`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import ndtri, stdtrit

from app.learn.scores import rows_by_dataset
from app.space.columns import FloatArray, IntArray

COVERAGE = 0.9
Z90 = float(ndtri(0.5 + COVERAGE / 2))
N_BINS = 3
FEW_DATASETS, PARTS = 20, 5
"""Up to so many datasets each is left out by itself; more are left out in so many parts."""
SHRINKAGE_DATASETS, SHRINKAGE_FACTOR = 10.0, 5.0
"""Datasets with which a band's own shape, and its factor, count as much as what is expected of them."""
LEANS = np.linspace(-3.0, 1.0, 161)
TINY = 1e-12
MAX_RUNS = 4_000


@dataclass(frozen=True)
class Calibration:
    """Residual quantiles at a few scores (b,), in v itself or in units of the dataset's scale.

    `lean`: what is added to v for the estimate that is answered; see `leaning`.
    """

    at: FloatArray
    lower: FloatArray
    upper: FloatArray
    scaled: bool
    lean: float = 0.0

    def band(self, f: FloatArray, scale: float | FloatArray) -> tuple[FloatArray, FloatArray]:
        """Lower and upper residual of scores f (n,) in v, in a dataset (or datasets (n,)) of that scale."""
        unit = scale if self.scaled else 1.0
        return np.interp(f, self.at, self.lower) * unit, np.interp(f, self.at, self.upper) * unit


def leaning(residual: FloatArray, dataset: IntArray) -> float:
    """What to add to estimates of a logarithm so that they err least in proportion on datasets never seen.

    Half as much is half wrong, twice as much is wholly wrong: where a dataset's level is uncertain the median of what
    may come is not the estimate that errs least, a lower one is. Errors e count as e / (1 + e), so that no dataset
    rules; half the way to their minimum is about where the median error is least, if levels are normal.

    Shapes: residual (of the logarithm), dataset (n,), predicted out of fold.
    """
    level = np.array([residual[rows].mean() for rows in rows_by_dataset(dataset)])
    error = np.abs(np.exp(np.clip(LEANS[:, None] - level, -700.0, 700.0)) - 1.0)
    return float(LEANS[np.argmin((error / (1.0 + error)).mean(axis=1))]) / 2


def weighted_quantile(x: FloatArray, weights: FloatArray, level: float) -> float:
    """The smallest x that holds `level` of the weight at or below it."""
    order = np.argsort(x, kind="stable")
    share = np.cumsum(weights[order])
    return float(x[order][min(int(np.searchsorted(share, level * share[-1])), len(x) - 1)])


def calibrate(
    f: FloatArray,
    residual: FloatArray,
    scale: FloatArray,
    dataset: IntArray,
    coverage: float = COVERAGE,
) -> Calibration:
    """Bands in v or in units of the scale, by score or the same for all, whichever is narrowest on the history.

    A scale may be hard to predict, and few datasets tell little about which scores vary more.

    Shapes: f, residual (in v), scale (of the run's dataset) and dataset all (n,), predicted out of fold.
    """
    rows = _thinned(dataset)
    f, residual, scale, dataset = f[rows], residual[rows], scale[rows], dataset[rows]
    choices = [
        _calibrate(f, residual / (scale if scaled else 1.0), dataset, coverage, scaled=scaled, bins=bins)
        for scaled in (True, False)
        for bins in (N_BINS, 1)
    ]
    return min(choices, key=lambda c: float(np.mean(np.subtract(*c.band(f, scale)[::-1]))))


def _thinned(dataset: IntArray) -> IntArray:
    """Rows of which every dataset has its share, evenly spaced: more than `MAX_RUNS` take time and change nothing."""
    groups = rows_by_dataset(dataset)
    share = max(MAX_RUNS // len(groups), 20)
    return np.sort(np.concatenate([rows[:: -(-len(rows) // share)] for rows in groups]))


def _calibrate(
    f: FloatArray, residual: FloatArray, dataset: IntArray, coverage: float, *, scaled: bool, bins: int
) -> Calibration:
    """A shape of band times the one factor with which it holds datasets that took no part in making its shape.

    Of few datasets the factor itself is uncertain: the worst of six decides it. So it is shrunk to what Student's t
    says of that many. On histories of six datasets, drawn from three benchmarks, intervals are 9, 10 and 16 % narrower
    for it, and hold 91, 85 and 91 % of others in place of 93, 86 and 92 %.
    """
    weights, which = _weights(dataset)
    n = int(which.max()) + 1
    part = which % (n if n <= FEW_DATASETS else PARTS)
    beyond = np.zeros(len(f))  # how often each residual exceeds its half of the band
    for k in range(int(part.max()) + 1):
        held = part == k
        rest = ~held if (~held).any() else held
        at, lower, upper = _shape(f[rest], residual[rest], weights[rest], coverage, bins)
        halves = np.where(residual[held] < 0, np.interp(f[held], at, lower), np.interp(f[held], at, upper))
        beyond[held] = np.abs(residual[held]) / halves
    own = n / (n + SHRINKAGE_FACTOR)
    student = float(stdtrit(n, 0.5 + coverage / 2) / ndtri(0.5 + coverage / 2))
    times = weighted_quantile(beyond, weights, coverage) ** own * student ** (1 - own)
    at, lower, upper = _shape(f, residual, weights, coverage, bins)
    return Calibration(at, -times * lower, times * upper, scaled)


def _weights(dataset: IntArray) -> tuple[FloatArray, IntArray]:
    """Weights with which datasets count alike, and which of those present a run is of. Shapes: (n,), (n,)."""
    _, which, count = np.unique(dataset, return_inverse=True, return_counts=True)
    return 1.0 / count[which], which


def _shape(
    f: FloatArray, residual: FloatArray, weights: FloatArray, coverage: float, bins: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Where (bins,), and how far below and above zero residuals reach there.

    Each half is shrunk to what all residuals have in common, the more the fewer datasets there are to tell it from.
    """
    overall = max(weighted_quantile(np.abs(residual), weights, coverage), TINY)
    n = float(weights.sum())
    own = n / (n + SHRINKAGE_DATASETS)
    tail, at, halves = (1 - coverage) / 2, [], []
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
