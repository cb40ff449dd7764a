"""What makes a candidate worth training. Scores are higher better; a batch is chosen jointly.

m, s  (n,) or (n, σ)  mean and standard deviation of the noise-free utility, for every σ of the posterior's mixture
"""

from __future__ import annotations

from math import pi, sqrt

import numpy as np
from scipy.special import ndtr

from app.learn.gaussian_process import JITTER, Points
from app.search.adaptation import AdaptedTarget
from app.space.columns import FloatArray, IntArray

JOINT = 1_024
"""Candidates whose joint posterior is sampled: a Cholesky factor of this size takes about 30 ms."""
MAX_PENDING = 128
"""Pending configurations that take part in it."""
BLOCKED = 4
"""Samples drawn for each answer where configurations are pending: some of these want what is in training."""
UNLIKELY = 1e-3
"""Probability of a σ below which its share of the improvement is left out."""


def expected_improvement(mean: FloatArray, std: FloatArray, best: float | FloatArray) -> FloatArray:
    """E[max(u - best, 0)] of a normal u (Jones et al. 1998, eq. 15)."""
    gain = mean - best
    z = gain / np.maximum(std, 1e-12)
    density = np.exp(-0.5 * z * z) / sqrt(2 * pi)
    return np.asarray(gain * ndtr(z) + std * density)


def improvement(target: AdaptedTarget, points: Points) -> FloatArray:
    """Expected improvement over the incumbent (n,), averaged over σ; without own runs the prior's order."""
    if target.incumbent is None:
        return target.mean(points)
    mean, std, _ = target.posterior.latent(points)
    return np.asarray(expected_improvement(target.sign * mean, std, target.incumbent) @ target.posterior.weights)


def batch(
    target: AdaptedTarget,
    points: Points,
    pending: Points,
    k: int,
    *,
    weight: FloatArray,
    baseline: float | None = None,
) -> tuple[IntArray, FloatArray]:
    """The k to train in parallel, and what each adds to those before it.

    Greedy: after each choice (and for each pending configuration) its outcome is taken to be what is expected, which
    leaves the means and lowers the variance near it (the kriging believer, Ginsbourger et al. 2010).

    Shapes: weight (n,) multiplies the improvement, as a probability of feasibility does. `baseline` is the utility to
    improve on while there are no own runs; without it the expected utility itself is the gain.
    """
    beliefs = Beliefs(target, points, pending, baseline)
    chosen: list[int] = []
    gains: list[float] = []
    free = np.ones(len(points), dtype=np.bool_)
    for _ in range(min(k, len(points))):
        gain = weighted(beliefs.gain(len(points)), weight)
        j = int(np.argmax(np.where(free, gain, -np.inf)))
        chosen.append(j)
        gains.append(float(gain[j]))
        free[j] = False
        if len(chosen) < k:
            beliefs.believe(j)
    return np.array(chosen, dtype=np.int64), np.array(gains)


def weighted(gain: FloatArray, weight: FloatArray) -> FloatArray:
    """Improvements times their weight; what is no improvement (a mean below zero, without own runs) stays as it is."""
    return np.where(gain > 0, gain * weight, gain)


class Beliefs:
    """Mean and variance of the candidates' and pending utilities for every likely σ, as imagined outcomes are taken in.

    Shapes: mean and variance (n, σ), weights, best and noise (σ,).
    """

    def __init__(self, target: AdaptedTarget, points: Points, pending: Points, baseline: float | None = None) -> None:
        posterior, kernel = target.posterior, target.learner.kernel
        self.target = target
        self.all = join(points, pending)
        self.likely = np.flatnonzero(posterior.weights > UNLIKELY)
        self.weights = posterior.weights[self.likely] / posterior.weights[self.likely].sum()
        mean, std, _ = posterior.latent(self.all)
        self.mean, self.variance = target.sign * mean[:, self.likely], std[:, self.likely] ** 2
        self.noise = posterior.scales[self.likely] ** 2 * (kernel.noise + JITTER)
        best = baseline if target.incumbent is None else target.incumbent
        self.best = None if best is None else np.full(len(self.likely), best)
        self.columns: list[FloatArray] = []
        self.whitened, self.left = posterior.whiten(kernel.between(self.all, posterior.points))
        for j in range(len(points), len(self.all)):
            self.believe(j)

    def moments(self, n: int) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of the first n over all σ. Shapes: (n,), (n,)."""
        mean = self.mean[:n] @ self.weights
        spread = self.variance[:n] + (self.mean[:n] - mean[:, None]) ** 2
        return np.asarray(mean), np.sqrt(spread @ self.weights)

    def gain(self, n: int) -> FloatArray:
        """Expected improvement of the first n; the mean itself while there is nothing to improve on."""
        if self.best is None:
            return np.asarray(self.mean[:n] @ self.weights)
        gain = expected_improvement(self.mean[:n], np.sqrt(self.variance[:n]), self.best)
        return np.asarray(gain @ self.weights)

    def _covariance(self, j: int) -> FloatArray:
        """With candidate j, given the own runs alone (n, σ)."""
        posterior = self.target.posterior
        prior = self.target.learner.kernel.between(self.all, self.all.take(np.array([j])))[:, 0]
        shared = prior - self.whitened.T @ self.whitened[:, j]
        offset = np.outer(self.left * self.left[j], posterior.offset_variance[self.likely])
        return np.asarray(posterior.scales[self.likely] ** 2 * (shared[:, None] + offset))

    def believe(self, j: int) -> None:
        """Take the outcome of j to be its mean."""
        covariance = self._covariance(j)
        for column in self.columns:
            covariance = covariance - column * column[j]
        column = covariance / np.sqrt(np.maximum(self.variance[j], 1e-12) + self.noise)
        self.columns.append(column)
        self.variance = np.maximum(self.variance - column**2, 1e-12)
        self.best = self.mean[j] if self.best is None else np.maximum(self.best, self.mean[j])


def thompson(
    target: AdaptedTarget, points: Points, pending: Points, k: int, seed: int, *, weight: FloatArray
) -> tuple[IntArray, FloatArray]:
    """The best of joint samples of the posterior, each configuration once; only the most promising take part.

    A sample whose best is being trained already is not answered, so the answer spreads around what is pending.
    """
    optimistic = target.mean(points)
    head = np.argsort(-(optimistic + np.log(np.maximum(weight, 1e-9))), kind="stable")[: max(JOINT, k)]
    training = pending.take(np.arange(min(len(pending), MAX_PENDING)))
    part = join(points.take(head), training)
    mean, _, _ = target.posterior.latent(part)
    covariance = target.posterior.covariance(part, part)
    covariance[np.diag_indices_from(covariance)] += 1e-8 * max(float(np.trace(covariance)) / len(part), 1e-12)
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky(covariance)
    means, k = target.sign * mean[:, target.posterior.likely], min(k, len(head))
    chosen: list[int] = []
    values: list[float] = []
    free = np.ones(len(part), dtype=np.bool_)
    for _ in range(k * BLOCKED if len(training) else k):
        draw = means + root @ rng.standard_normal(len(part))
        j = int(np.argmax(np.where(free, draw, -np.inf)))
        if j < len(head):
            free[j] = False
            chosen.append(j)
            values.append(float(draw[j]))
        if len(chosen) == k:
            break
    rest = np.flatnonzero(free[: len(head)])[: k - len(chosen)]  # where too many samples wanted what is pending
    return head[np.array([*chosen, *rest], dtype=np.int64)], np.array([*values, *means[rest]])


def join(*parts: Points) -> Points:
    """Points one after the other."""
    return Points(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("E", "D", "C", "f")))
