"""How wide an interval must be to hold the outcome of a real run on a dataset never seen, nine times in ten.

Zero-shot: quantiles of grouped residuals (every dataset counts once, and was seen by none of what predicted it), taken
separately for low, middling and high scores, since good configurations vary less than bad ones; the level is raised
where there are few datasets, in the manner of split conformal prediction. Few-shot: the posterior's own standard
deviation times one factor, so that it holds on history datasets conditioned on a few of their runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.stats import norm

from app.learn.gaussian_process import DatasetPrior, Example, Kernel, condition
from app.learn.scores import rows_by_dataset
from app.space.columns import FloatArray, IntArray

COVERAGE = 0.9
Z90 = float(norm.ppf(0.5 + COVERAGE / 2))
N_BINS = 3
N_GIVEN = 8


@dataclass(frozen=True)
class Calibration:
    """Residual quantiles in units of the dataset's scale at three scores (3,), and the few-shot factor."""

    at: FloatArray
    lower: FloatArray
    upper: FloatArray
    factor: float

    def band(self, f: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Lower and upper residual of scores f (n,), in units of the dataset's scale."""
        return np.interp(f, self.at, self.lower), np.interp(f, self.at, self.upper)


def weighted_quantile(x: FloatArray, weights: FloatArray, level: float) -> float:
    """The smallest x that holds `level` of the weight at or below it."""
    order = np.argsort(x, kind="stable")
    share = np.cumsum(weights[order])
    return float(x[order][min(int(np.searchsorted(share, level * share[-1])), len(x) - 1)])


def calibrate(f: FloatArray, residual: FloatArray, dataset: IntArray, factor: float) -> Calibration:
    """Shapes: f, residual (in units of the dataset's predicted scale) and dataset all (n,), predicted out of fold."""
    groups = rows_by_dataset(dataset)
    weights = np.zeros(len(f))
    for rows in groups:
        weights[rows] = 1.0 / len(rows)
    tail = (1 - COVERAGE) / 2
    level = 1 - tail * len(groups) / (len(groups) + 2)
    edges = np.quantile(f, np.linspace(0, 1, N_BINS + 1))
    at, lower, upper = [], [], []
    for low, high in pairwise(edges):
        inside = (f >= low) & (f <= high)
        at.append(float(np.median(f[inside])))
        lower.append(weighted_quantile(residual[inside], weights[inside], 1 - level))
        upper.append(weighted_quantile(residual[inside], weights[inside], level))
    return Calibration(np.array(at), np.array(lower), np.array(upper), factor)


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
