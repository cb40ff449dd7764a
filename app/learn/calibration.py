"""How wide an interval must be to hold the outcome of a real run on a dataset never seen, nine times in ten.

Zero-shot: quantiles of grouped residuals (every dataset counts once, and was seen by none of what predicted it), taken
separately for low, middling and high scores, since good configurations vary less than bad ones; the level is raised
for the number of datasets as in split conformal prediction. Few-shot: the posterior's own standard
deviation times one factor, so that it holds on history datasets conditioned on a few of their runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import ndtri

from app.learn.gaussian_process import DatasetPrior, Example, Kernel, condition
from app.learn.scores import rows_by_dataset
from app.space.columns import FloatArray, IntArray

COVERAGE = 0.9
Z90 = float(ndtri(0.5 + COVERAGE / 2))
N_BINS = 3
N_GIVEN = 8


@dataclass(frozen=True)
class Calibration:
    """Residual quantiles at three scores (3,), in v itself or in units of the dataset's scale; the few-shot factor."""

    at: FloatArray
    lower: FloatArray
    upper: FloatArray
    scaled: bool
    factor: float

    def band(self, f: FloatArray, scale: float | FloatArray) -> tuple[FloatArray, FloatArray]:
        """Lower and upper residual of scores f (n,) in v, in a dataset (or datasets (n,)) of that scale."""
        unit = scale if self.scaled else 1.0
        return np.interp(f, self.at, self.lower) * unit, np.interp(f, self.at, self.upper) * unit


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
    factor: float,
    coverage: float = COVERAGE,
) -> Calibration:
    """Bands in v or in units of the scale, whichever is narrower on the history: a scale may be hard to predict.

    Shapes: f, residual (in v), scale (of the run's dataset) and dataset all (n,), predicted out of fold.
    """
    choices = [
        _calibrate(f, residual / (scale if scaled else 1.0), dataset, coverage, scaled=scaled, factor=factor)
        for scaled in (True, False)
    ]
    return min(choices, key=lambda c: float(np.mean(np.subtract(*c.band(f, scale)[::-1]))))


def _calibrate(
    f: FloatArray, residual: FloatArray, dataset: IntArray, coverage: float, *, scaled: bool, factor: float
) -> Calibration:
    groups = rows_by_dataset(dataset)
    weights = np.zeros(len(f))
    for rows in groups:
        weights[rows] = 1.0 / len(rows)
    tail = (1 - coverage) / 2
    level = min((1 - tail) * (1 + 1 / len(groups)), 0.995)
    edges = np.quantile(f, np.linspace(0, 1, N_BINS + 1))
    at, lower, upper = [], [], []
    for low, high in pairwise(edges):
        inside = (f >= low) & (f <= high)
        at.append(float(np.median(f[inside])))
        lower.append(weighted_quantile(residual[inside], weights[inside], 1 - level))
        upper.append(weighted_quantile(residual[inside], weights[inside], level))
    return Calibration(np.array(at), np.array(lower), np.array(upper), scaled, factor)


def few_shot_factor(
    kernel: Kernel, examples: Sequence[Example], values: Sequence[FloatArray], priors: Sequence[DatasetPrior], seed: int
) -> float:
    """What the posterior's standard deviation must be multiplied by, after a few own runs on a held-out dataset.

    Shapes: values[i] (n_i,) is the target v at the points of examples[i]. 1 where the history is too small to tell.
    """
    rng = np.random.default_rng(seed)
    ratios, weights = [], []
    for example, v, prior in zip(examples, values, priors, strict=True):
        if len(v) < 2 * N_GIVEN:
            continue
        order = rng.permutation(len(v))
        given, rest = order[:N_GIVEN], order[N_GIVEN:]
        mean, std = condition(kernel, prior, example.points.take(given), v[given]).predict(example.points.take(rest))
        ratios.append(np.abs(v[rest] - mean) / std)
        weights.append(np.full(len(rest), 1.0 / len(rest)))
    if not ratios:
        return 1.0
    quantile = weighted_quantile(np.concatenate(ratios), np.concatenate(weights), COVERAGE)
    return float(np.clip(quantile / Z90, 0.5, 4.0))
