"""The fitted model across datasets: what is expected of any configuration on any dataset, target by target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from catboost import CatBoostClassifier, Pool

from app.featurise.featuriser import Featuriser
from app.learn.calibration import Z90, Calibration
from app.learn.few_shot import FewShot
from app.learn.gaussian_process import DatasetPrior, Kernel, Points, Posterior, condition
from app.learn.location_scale import LocationScale
from app.learn.memory import Memory
from app.learn.prior import Prior
from app.learn.scores import winsorised
from app.space.columns import Float32Array, FloatArray
from app.types import Prediction

LIMIT = 1e100
"""No outcome is taken to be larger: squares must stay finite, whatever a run reports."""


@dataclass(frozen=True)
class TargetScale:
    """How a target y reads as the learner's v, and the bounds it cannot leave."""

    log: bool
    lower: float | None
    upper: float | None

    def to_v(self, y: FloatArray) -> FloatArray:
        """Shapes: (n,) -> (n,). On the log, what is not positive becomes the smallest positive number of its kind."""
        return np.log(np.maximum(y, 1e-300)) if self.log else np.clip(y, -LIMIT, LIMIT)

    def to_y(self, v: FloatArray) -> FloatArray:
        """The inverse, held inside the bounds."""
        y = np.exp(np.clip(v, -690.0, 690.0)) if self.log else v
        return np.asarray(np.clip(y, self.lower, self.upper)) if (self.lower, self.upper) != (None, None) else y


@dataclass(frozen=True)
class Level:
    """Where a new dataset's values lie, and how far off that a real run may be."""

    place: LocationScale
    calibration: Calibration


@dataclass(frozen=True)
class TargetLearner:
    """One target: its prior for a new dataset, its correction by own runs, its way back to the unit.

    `told` serves datasets of which any meta-feature is known, `blind` those of which none is.
    """

    resource: bool
    scale: TargetScale
    prior: Prior
    kernel: Kernel
    told: Level
    blind: Level
    few: FewShot

    def dataset_prior(self, X: Float32Array) -> DatasetPrior:
        """Shapes: X (n, d), all rows of one dataset."""
        if np.isnan(np.delete(X[0], self.prior.space.columns)).all():
            return replace(self.blind.place(X[0]), blind=True)
        return self.told.place(X[0])

    def level(self, dataset: DatasetPrior) -> Level:
        """The one by which the dataset's prior was told."""
        return self.blind if dataset.blind else self.told

    def zero_shot(self, f: FloatArray, dataset: DatasetPrior) -> Prediction:
        """A real run on a dataset without own runs. Shapes: scores f (n,)."""
        level = self.level(dataset)
        v = level.place.value(dataset, f)
        low, high = level.calibration.band(dataset.scale)
        return self._prediction(v + level.calibration.lean, v + low, v + high)

    def posterior(self, dataset: DatasetPrior, own: Points, y: FloatArray, sign: float) -> Posterior:
        """Own runs taken in. Shapes: own n points, y (n,). `sign`: +1 if higher is better, which tells bad outliers."""
        v = sign * winsorised(sign * self.scale.to_v(y))
        return condition(self.kernel, dataset, own, v)

    def few_shot(self, points: Points, posterior: Posterior, sign: float) -> Prediction:
        """A real run on a dataset with own runs: n points -> (n,). `sign`: what these were picked for."""
        v, std = posterior.predict(points)
        down, up = self.few(len(posterior.points), sign, points.f)
        return self._prediction(v, v + down * std, v + up * std)

    def _prediction(self, v: FloatArray, low: FloatArray, high: FloatArray) -> Prediction:
        mean, lower, upper = (self.scale.to_y(x) for x in (v, low, high))
        lower, upper = np.minimum(lower, mean), np.maximum(upper, mean)
        return Prediction(mean, (upper - lower) / (2 * Z90), lower, upper)


@dataclass(frozen=True)
class FailureLearner:
    """The probability that a run fails; the history's rate where too few have failed to learn from."""

    rate: float
    model: CatBoostClassifier | None

    def __call__(self, X: Float32Array) -> FloatArray:
        """Shapes: X (n, d) -> (n,)."""
        if self.model is None:
            return np.full(len(X), self.rate)
        return np.asarray(self.model.predict(Pool(X), prediction_type="Probability")[:, 1], dtype=np.float64)


@dataclass(frozen=True)
class MetaLearner:
    """Everything that was learned from a project's history."""

    featuriser: Featuriser
    targets: Mapping[str, TargetLearner]
    failure: FailureLearner
    folds: Mapping[str, int]  # of every dataset in the history
    n_runs: int
    memory: Memory
