"""How wide an interval must be to hold the outcome of a real run on a dataset never seen, nine times in ten.

Quantiles of grouped residuals: every dataset counts once, and was seen by none of what predicted it. Few datasets tell
little of who else may come, so both halves are held near what all residuals have in common, and the whole is as much
wider as Student's t is than the normal. With own runs the posterior takes over: see `few_shot`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import ndtri, stdtrit

from app.learn.scores import rows_by_dataset
from app.space.columns import FloatArray, IntArray

COVERAGE = 0.9
Z90 = float(ndtri(0.5 + COVERAGE / 2))
SHRINKAGE_DATASETS = 10.0
"""Datasets with which a half's own reach counts as much as what is expected of it."""
SHARES = np.linspace(0.01, 0.5, 50)
"""Of all misses, those below that are tried where the shortest interval is not central."""
LEANS = np.linspace(-3.0, 1.0, 161)
TINY = 1e-12
MAX_RUNS = 4_000


@dataclass(frozen=True)
class Calibration:
    """How far outcomes lie below and above what is predicted, in v itself or in units of the dataset's scale.

    `tails`: the shares of outcomes beyond the one end and beyond the other. `lean`: what is added to v for the estimate
    that is answered; see `leaning`.
    """

    lower: float
    upper: float
    scaled: bool
    tails: tuple[float, float]
    lean: float = 0.0

    def band(self, scale: float | FloatArray) -> tuple[float | FloatArray, float | FloatArray]:
        """Lower and upper residual in v, in a dataset (or datasets (n,)) of that scale."""
        unit = scale if self.scaled else 1.0
        return self.lower * unit, self.upper * unit


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
    residual: FloatArray, scale: FloatArray, dataset: IntArray, coverage: float = COVERAGE, *, shortest: bool = False
) -> Calibration:
    """A band in v, or in units of the scale where it is narrower by more than chance: scales are hard to predict.

    `shortest`: v is a logarithm, and the interval is to be the shortest in the target's own unit, not the central one.

    Shapes: residual (in v), scale (of the run's dataset) and dataset all (n,), predicted out of fold.
    """
    rows = thinned(dataset)
    residual, scale = residual[rows], scale[rows]
    weights, which = weights_by_dataset(dataset[rows])
    n = int(which.max()) + 1
    tails = (0.5 - coverage / 2, 0.5 - coverage / 2)
    if shortest:
        tails = _shortest(weighted_quantile(np.abs(residual), weights, coverage) / _normal(coverage), coverage)
    plain, scaled = (_reach(r, weights, coverage, tails) for r in (residual, residual / scale))
    better = sum(scaled) * np.average(scale, weights=weights) < (1.0 - 1.0 / sqrt(n)) * sum(plain)
    below, above = scaled if better else plain
    return Calibration(-below, above, bool(better), tails)


def _normal(coverage: float) -> float:
    return float(ndtri(0.5 + coverage / 2))


def _shortest(spread: float, coverage: float) -> tuple[float, float]:
    """Shares of misses below and above with which the interval of a lognormal of that spread is shortest."""
    below, spread = (1.0 - coverage) * SHARES, max(spread, 1e-6)
    with np.errstate(over="ignore"):
        width = np.exp(-spread * ndtri(1.0 - coverage - below)) - np.exp(spread * ndtri(below))
    best = float(below[np.argmin(width)])
    return best, 1.0 - coverage - best


def _reach(
    residual: FloatArray, weights: FloatArray, coverage: float, tails: tuple[float, float]
) -> tuple[float, float]:
    """How far an interval reaches below and above what is predicted, for outcomes of datasets yet to come."""
    overall = max(weighted_quantile(np.abs(residual), weights, coverage), TINY)
    n = float(weights.sum())
    own, student = n / (n + SHRINKAGE_DATASETS), float(stdtrit(n, 0.5 + coverage / 2)) / _normal(coverage)
    below, above = -weighted_quantile(residual, weights, tails[0]), weighted_quantile(residual, weights, 1 - tails[1])
    expected = [overall * float(-ndtri(tail)) / _normal(coverage) for tail in tails]
    halves = zip((below, above), expected, strict=True)
    lower, upper = (student * max(one, 1e-3 * overall) ** own * usual ** (1 - own) for one, usual in halves)
    return lower, upper


def thinned(dataset: IntArray) -> IntArray:
    """Rows of which every dataset has its share, evenly spaced: more than `MAX_RUNS` take time and change nothing."""
    groups = rows_by_dataset(dataset)
    share = max(MAX_RUNS // len(groups), 20)
    return np.sort(np.concatenate([rows[:: -(-len(rows) // share)] for rows in groups]))


def weights_by_dataset(dataset: IntArray) -> tuple[FloatArray, IntArray]:
    """Weights with which datasets count alike, and which of those present a run is of. Shapes: (n,), (n,)."""
    _, which, count = np.unique(dataset, return_inverse=True, return_counts=True)
    return 1.0 / count[which], which
