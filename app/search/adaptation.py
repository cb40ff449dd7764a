"""Each target of one dataset as its own runs have corrected it: zero-shot without any, few-shot with some.

All utilities are sign · v: the target on its learner's scale (log where it spans decades), higher better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr, ndtri

from app.learn.calibration import Z90
from app.learn.gaussian_process import DatasetPrior, Points, Posterior
from app.learn.meta_learner import TargetLearner
from app.learn.prior import Prior
from app.learn.trees import Trees
from app.search.tables import Tables
from app.space.columns import BoolArray, Float32Array, FloatArray
from app.types import OwnRun, Prediction


@dataclass(frozen=True)
class AdaptedTarget:
    """A target's learner, the dataset's prior and posterior, own outcomes v and the best own utility, if any.

    `shared`: a row of X (d,), and where it is the same for all candidates (d,).
    """

    name: str
    sign: float
    learner: TargetLearner
    prior: DatasetPrior
    posterior: Posterior
    outcomes: FloatArray  # (n_own,)
    incumbent: float | None
    shared: tuple[Float32Array, BoolArray]
    tables: Tables

    @cached_property
    def score(self) -> Trees | None:
        """Sign · the prior's score of candidates as one sum of trees; None where it is none."""
        return self.tables.trees(self.learner.prior, self.sign, self.shared)

    @cached_property
    def of_candidates(self) -> Prior:
        """The learner's prior, with what all candidates share decided in its trees."""
        return self.learner.prior.restricted(*self.shared)

    def points(self, X: Float32Array) -> Points:
        """Candidates as the posterior needs them. Shapes: X (n, d) -> n points."""
        return self.of_candidates.points(X)

    def scores(self, X: Float32Array) -> FloatArray:
        """Utility by history alone, in units of the dataset's scale. Shapes: X (n, d) -> (n,)."""
        return self.score.predict(X) if self.score is not None else self.sign * self.learner.prior.scores(X)

    def predict(self, points: Points) -> Prediction:
        """What a real run would give. Shapes: n points -> (n,)."""
        if self.incumbent is None:
            return self.learner.zero_shot(points.f, self.prior)
        return self.learner.few_shot(points, self.posterior, self.sign)

    def mean(self, points: Points) -> FloatArray:
        """Expected utility, in the order of the prior alone while there are no own runs. Shapes: n points -> (n,)."""
        if self.incumbent is None:
            return self.sign * points.f
        mean, _, _ = self.posterior.latent(points)
        return self.sign * (mean @ self.posterior.weights)

    def optimism(self, points: Points) -> FloatArray:
        """Expected utility plus one standard deviation (n,): what several objectives or a space at large are led by."""
        mean, std, _ = self.posterior.latent(points)
        return (self.sign * mean + std) @ self.posterior.weights

    def probability_below(self, prediction: Prediction, value: float) -> FloatArray:
        """P(a real run's y <= value) (n,), normal between the interval's ends on the learner's scale."""
        below, above = Z90, Z90
        scale = self.learner.scale
        low, middle, high = (scale.to_v(y) for y in (prediction.lower, prediction.mean, prediction.upper))
        if self.incumbent is None:
            calibration = self.learner.level(self.prior).calibration
            middle = middle - calibration.lean  # an estimate that leans is not the median
            below, above = (-float(ndtri(tail)) for tail in calibration.tails)
        limit = float(scale.to_v(np.array([value]))[0])
        # the two halves of an interval may differ in width: each side has its own spread
        side = np.where(limit >= middle, (high - middle) / above, (middle - low) / below)
        return np.asarray(ndtr((limit - middle) / np.maximum(side, 1e-12)))


def adapt(
    name: str,
    learner: TargetLearner,
    sign: float,
    X_own: Float32Array,
    own: Sequence[OwnRun],
    X: Float32Array,
    shared: tuple[Float32Array, BoolArray] | None = None,
    tables: Tables | None = None,
) -> AdaptedTarget:
    """Own runs taken in. Shapes: X_own (n_own, d) rows of `own`; X (n, d), of which one row tells the dataset.

    `shared`: what is the same for all candidates, if anything is known to be; `tables`: where that is kept.
    A failed run without the metric counts as the worst that was seen: what fails is not proposed again.
    """
    prior = learner.dataset_prior(X)
    y = np.array([run.targets.get(name, np.nan) for run in own], dtype=np.float64)
    known = np.isfinite(y)
    if known.any():
        worst = (sign * y[known]).min() * sign
        failed = np.array([run.state == "failed" for run in own], dtype=np.bool_)
        y = np.where(failed & ~known, worst, y)
        known = np.isfinite(y)
    points = learner.prior.points(np.asfortranarray(X_own[known]))
    posterior = learner.posterior(prior, points, y[known], sign)
    outcomes = learner.scale.to_v(y[known])
    incumbent = float((sign * outcomes).max()) if known.any() else None
    return AdaptedTarget(
        name,
        sign,
        learner,
        prior,
        posterior,
        outcomes,
        incumbent,
        shared or (X[0], np.zeros(X.shape[1], np.bool_)),
        tables or Tables(),
    )
