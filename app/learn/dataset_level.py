"""One number per dataset from its meta-features: where a metric's values lie, how wide they spread.

Datasets are few and meta-features many, so two learners that err in different ways stand beside one another: boosted
trees, which pick features and cut, and a Gaussian process, which leans on what looks alike and is linear where that is
enough. What serves is their mean, of few datasets the process alone, and the others' median where that errs much less
out of fold. To pick the one or the other by its errors out of fold is to pick by luck: over five benchmarks the mean
missed new datasets' levels 4 % less than whatever had been picked.

t  datasets      d  meta-features, standardised; what a dataset lacks is 0
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import sqrt

import numpy as np
from catboost import CatBoostRegressor, Pool
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

from app.learn.boosting import ALONE
from app.learn.gaussian_process import matern
from app.space.columns import Float32Array, FloatArray, IntArray

MIN_DATASETS = 5
FEW = 30
"""Up to so many datasets the process does better without trees, and each is left out by itself."""
WORSE = 1.25
"""Times the median's error that still passes for bad luck: out of fold the learners see fewer datasets than in use."""
MAX_SMOOTHED = 500
"""Datasets that the process is fitted to: its cost grows with their cube."""
FAR = 4.0
"""Where a line along a meta-feature ends, so that it does not lead out of the world."""
LENGTHS, LINEAR, NOISES = (0.5, 1.0, 2.0, 4.0), (0.0, 0.5), (0.03, 0.1, 0.3, 1.0, 3.0)
TRUST = (0.0, 0.5, 1.0)
"""Exponents of what a meta-feature explains, as its weight: all alike, by correlation, by its square."""


@dataclass(frozen=True)
class Smooth:
    """A Gaussian process with a share of a linear kernel: k = (1 - linear) · Matérn-5/2 + linear · x·x'/d.

    Meta-features are many and say the same or nothing: each is stretched by how well its ranks go with the level's, how
    much so by the evidence.

    Shapes: columns, centre, scale and weight (d,), of the X that is asked about; points (t, d), alpha (t,).
    """

    columns: IntArray
    centre: FloatArray
    scale: FloatArray
    weight: FloatArray
    points: FloatArray
    alpha: FloatArray
    middle: float
    length: float
    linear: float

    @classmethod
    def fit(cls, X: Float32Array, y: FloatArray, columns: IntArray) -> Smooth:
        """Weights, length, linear share and noise by marginal likelihood, the amplitude in closed form.

        Shapes: X (t, .), y (t,).
        """
        rows = np.arange(len(y))[-MAX_SMOOTHED:]
        part, y = X[np.ix_(rows, columns)].astype(np.float64), y[rows]
        known = np.isfinite(part).any(axis=0)
        columns, part = columns[known], part[:, known]
        lower, centre, upper = np.nanquantile(np.where(np.isfinite(part), part, np.nan), [0.25, 0.5, 0.75], axis=0)
        spread = np.where(upper > lower, upper - lower, np.nanmax(part, axis=0) - np.nanmin(part, axis=0))
        kept = spread > 1e-9
        columns, centre, spread = columns[kept], centre[kept], spread[kept]
        alike = np.ones(len(columns))
        empty = cls(columns, centre, spread, alike, np.zeros((0, 0)), np.zeros(0), float(y.mean()), 1.0, 0.0)
        at = empty.standardised(X[rows])
        explained, unit = _explained(at, y), sqrt(max(at.shape[1], 1))
        best: tuple[float, Smooth] | None = None
        for trust, length, linear in product(TRUST, LENGTHS, LINEAR):
            weight = unit * explained**trust / max(float(np.linalg.norm(explained**trust)), 1e-300)
            candidate = replace(empty, weight=weight, points=at * weight, length=length * unit, linear=linear)
            loss, alpha = _fitted(candidate.kernel(candidate.points), y - empty.middle)
            if best is None or loss < best[0]:
                best = loss, replace(candidate, alpha=alpha)
        assert best is not None
        return best[1]

    def standardised(self, X: Float32Array) -> FloatArray:
        """Shapes: X (n, .) -> (n, d), distances from the median that grow like a logarithm, up to `FAR`."""
        at = np.arcsinh(2 * (X[:, self.columns].astype(np.float64) - self.centre) / self.scale)
        return np.clip(np.where(np.isfinite(at), at, 0.0), -FAR, FAR) * self.weight

    def kernel(self, at: FloatArray) -> FloatArray:
        """Shapes: standardised (n, d) -> (n, t)."""
        alike = matern(cdist(at, self.points) / self.length)
        return np.asarray((1 - self.linear) * alike + self.linear * at @ self.points.T / max(at.shape[1], 1))

    def __call__(self, X: Float32Array) -> FloatArray:
        """Shapes: X (n, .) -> (n,)."""
        return np.asarray(self.middle + self.kernel(self.standardised(X)) @ self.alpha)


def _explained(at: FloatArray, y: FloatArray) -> FloatArray:
    """The share of y's ranks that each coordinate's ranks explain, beyond chance; all alike if none does.

    Shapes: at (t, d), y (t,) -> (d,).
    """
    ranks = rankdata(np.column_stack([y, at]), axis=0) - (len(y) + 1) / 2
    norms = np.sqrt(np.maximum((ranks**2).sum(axis=0), 1e-300))
    squared = (ranks[:, 0] @ ranks[:, 1:] / (norms[0] * norms[1:])) ** 2
    beyond = np.maximum(squared - 1.0 / max(len(y) - 1, 1), 0.0)
    return np.asarray(beyond if beyond.any() else np.ones(len(beyond)))


def _fitted(K: FloatArray, r: FloatArray) -> tuple[float, FloatArray]:
    """The least negative log marginal likelihood over `NOISES`, up to a constant, and its weights (t,)."""
    values, vectors = np.linalg.eigh(K)
    values, along = np.maximum(values, 0.0), vectors.T @ r
    best: tuple[float, FloatArray] | None = None
    for noise in NOISES:
        variances = values + noise * max(float(values.mean()), 1e-9)
        amplitude = max(float((along * along / variances).mean()), 1e-300)
        loss = 0.5 * len(r) * np.log(amplitude) + 0.5 * float(np.log(variances).sum())
        if best is None or loss < best[0]:
            best = loss, vectors @ (along / variances)
    assert best is not None
    return best


@dataclass(frozen=True)
class DatasetLevel:
    """The mean of what is there: trees, a process, or both."""

    trees: CatBoostRegressor | None
    smooth: Smooth | None

    def __call__(self, X: Float32Array) -> FloatArray:
        """Shapes: X (n, .) -> (n,)."""
        parts = [] if self.trees is None else [np.asarray(self.trees.predict(Pool(np.asfortranarray(X))), np.float64)]
        parts += [] if self.smooth is None else [self.smooth(X)]
        return np.asarray(np.mean(parts, axis=0))


def fit_dataset_level(
    X: Float32Array, y: FloatArray, fold: IntArray, ignored: Sequence[int]
) -> tuple[DatasetLevel | None, FloatArray]:
    """What predicts from meta-features, None where the others' median is better, and its held-out predictions (t,).

    Shapes: X (t, .), of which the `ignored` columns are no meta-features; y and fold (t,).
    """
    middle = np.array([np.median(y[np.arange(len(y)) != i]) if len(y) > 1 else y[i] for i in range(len(y))])
    columns = np.setdiff1d(np.arange(X.shape[1]), ignored)
    if len(y) < MIN_DATASETS or not len(columns) or np.ptp(y) == 0:
        return None, middle

    def learn(X: Float32Array, y: FloatArray) -> DatasetLevel:
        return DatasetLevel(None if few else _trees(X, y, ignored), Smooth.fit(X, y, columns))

    few = len(y) <= FEW
    held_out = _out_of_fold(learn, X, y, np.arange(len(y)) if few else fold, middle)
    # by the mean of absolute errors: squares let a few odd datasets decide
    if np.abs(y - held_out).mean() > WORSE * np.abs(y - middle).mean():
        return None, middle
    return learn(X, y), held_out


_Learn = Callable[[Float32Array, FloatArray], DatasetLevel]


def _out_of_fold(learn: _Learn, X: Float32Array, y: FloatArray, fold: IntArray, middle: FloatArray) -> FloatArray:
    held_out = middle.copy()
    for k in np.unique(fold):
        rest = fold != k
        if rest.any() and np.ptp(y[rest]) > 0:
            held_out[~rest] = learn(X[rest], y[rest])(X[~rest])
    return held_out


def _trees(X: Float32Array, y: FloatArray, ignored: Sequence[int]) -> CatBoostRegressor:
    model = CatBoostRegressor(
        iterations=200,
        learning_rate=0.05,
        depth=4,
        rsm=0.3,
        l2_leaf_reg=1.0,
        ignored_features=list(ignored) or None,
        random_seed=0,
        **ALONE,
    )
    return model.fit(Pool(np.asfortranarray(X), y))
