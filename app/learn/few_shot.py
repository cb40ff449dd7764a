"""How wide an interval must be once a dataset has own runs: the posterior's standard deviation, times a factor.

The process knows too little of itself: after one run it doubts too much, after ten that were all picked for being good
it believes too firmly that it knows the bad. So the factor depends on how many own runs there are, and is found by
asking history datasets as a new one would be asked: each next run is the most promising, what is left is predicted, and
the factor is the one with which nine in ten of these intervals hold. With own runs taken at random, and one factor for
any number of them, intervals after ten picked runs held 71 to 85 % on three benchmarks; so found, 90 to 92 %. It also
depends on the score, and on the side: where nothing bad was run, the bad is worse than the process thinks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.learn.calibration import Z90
from app.learn.gaussian_process import DatasetPrior, Example, Kernel, condition
from app.learn.score_bands import fit_score_band
from app.learn.scores import winsorised
from app.space.columns import FloatArray, IntArray

COUNTS = (1, 3, 6, 10, 15)
"""Numbers of own runs at which a factor is found; between them it is interpolated, beyond the last it stays."""
LEFT = 5
"""Runs that must be left to predict."""
LEAST, MOST = 0.3, 30.0


@dataclass(frozen=True)
class FewShot:
    """How many standard deviations an interval reaches down and up, at three scores f, after so many own runs.

    Shapes: at, lower and upper (2, counts, 3); the first axis: own runs that were picked for high, for low values.
    """

    at: FloatArray
    lower: FloatArray
    upper: FloatArray

    def __call__(self, n_own: int, sign: float, f: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Reach down (negative) and up of scores f (n,)."""
        which = int(sign < 0)
        place = float(np.interp(n_own, COUNTS, np.arange(len(COUNTS))))
        first, share = int(place), place % 1.0
        ends = first, min(first + 1, len(COUNTS) - 1)
        down, up = (
            [np.interp(f, self.at[which, i], part[which, i]) for i in ends] for part in (self.lower, self.upper)
        )
        return down[0] * (1 - share) + down[1] * share, up[0] * (1 - share) + up[1] * share


def fit_few_shot(
    kernel: Kernel,
    examples: Sequence[Example],
    values: Sequence[FloatArray],
    priors: Sequence[DatasetPrior],
    seed: int,
    *,
    resource: bool,
) -> FewShot:
    """Reaches from history datasets; the normal quantile where none has runs enough to tell.

    Shapes: values[i] (n_i,) is the target v at the points of examples[i]. Nobody picks runs by a resource: they are
    taken at random.
    """
    rng = np.random.default_rng(seed)
    found = []
    for sign in (1.0, -1.0):
        away: dict[int, list[tuple[FloatArray, FloatArray]]] = {n: [] for n in COUNTS}
        for example, v, prior in zip(examples, values, priors, strict=True):
            order = rng.permutation(len(v)) if resource else None
            replayed = _replayed(kernel, example, sign * v, _signed(prior, sign), sign, order)
            for n, (rest, residual) in replayed.items():
                away[n].append((example.points.f[rest], sign * residual))
        found.append([_reach(residuals) for residuals in away.values()])
    at, lower, upper = np.moveaxis(np.array(found), 2, 0)
    return FewShot(at, lower, upper)


def _signed(prior: DatasetPrior, sign: float) -> DatasetPrior:
    return DatasetPrior(sign * prior.location, prior.scale, prior.offset, prior.log_scale_spread)


def _replayed(
    kernel: Kernel, example: Example, u: FloatArray, prior: DatasetPrior, sign: float, order: IntArray | None
) -> dict[int, tuple[IntArray, FloatArray]]:
    """What is left after each of `COUNTS` own runs, and how far it lies off, in predicted standard deviations.

    Shapes: utilities u (n,), higher better; `order` (n,) of the own runs, None to pick the most promising each time.
    """
    f = sign * example.points.f
    points = example.points
    signed = type(points)(points.E, points.D, points.C, f)
    own: list[int] = [int(order[0]) if order is not None else int(np.argmax(f))]
    out: dict[int, tuple[IntArray, FloatArray]] = {}
    for n in range(1, min(COUNTS[-1], len(u) - LEFT) + 1):
        posterior = condition(kernel, prior, signed.take(np.array(own)), winsorised(u[own]))
        if n in COUNTS:
            rest = np.setdiff1d(np.arange(len(u)), own)
            mean, std = posterior.predict(signed.take(rest))
            out[n] = rest, (u[rest] - mean) / std
        if order is not None:
            own.append(int(order[n]))
        else:
            mean, std, _ = posterior.latent(signed)
            hope = (mean + std) @ posterior.weights
            hope[own] = -np.inf
            own.append(int(np.argmax(hope)))
    return out


def _reach(residuals: Sequence[tuple[FloatArray, FloatArray]]) -> FloatArray:
    """Scores and how far intervals reach down and up there (3, 3)."""
    if not residuals:
        return np.array([np.arange(3.0), np.full(3, -Z90), np.full(3, Z90)])
    f, residual = (np.concatenate(part) for part in zip(*residuals, strict=True))
    dataset = np.repeat(np.arange(len(residuals)), [len(r) for _, r in residuals])
    band = fit_score_band(f, residual, dataset)
    at = np.resize(band.at, 3)
    return np.array(
        [at, np.clip(np.resize(band.lower, 3), -MOST, -LEAST), np.clip(np.resize(band.upper, 3), LEAST, MOST)]
    )
