"""From scores back to the target's unit: where a dataset's values lie, how wide, and in what shape.

A score z of a dataset reads as  v = location + scale · shape(z).  The shape, a monotone curve on a grid of scores, is
common to the history; location and scale come from a second learner on meta-features where that beats the middle of the
history out of fold, and carry their own error, which is what makes an interval for a *new* dataset honest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from app.learn.dataset_level import DatasetLevel, fit_dataset_level
from app.learn.gaussian_process import DatasetPrior
from app.learn.scores import pooled_spread, rows_by_dataset
from app.space.columns import BoolArray, Float32Array, FloatArray, IntArray

LEVELS = np.linspace(-2.5, 2.5, 21)
MIN_RUNS = 5


@dataclass(frozen=True)
class LocationScale:
    """`models` predict (location, log scale) from meta-features (d,) in units of `unit`; None: the history's middle."""

    shape: FloatArray  # (21,) at LEVELS
    middle: tuple[float, float]  # location, log scale
    unit: float
    models: tuple[DatasetLevel | None, DatasetLevel | None]
    offset: float
    log_scale_spread: float

    def __call__(self, meta_features: Float32Array) -> DatasetPrior:
        """Shapes: meta_features (d,), the columns of X, of which those of the dataset are read."""
        location, log_scale = self.middle
        row = meta_features[None, :]
        if self.models[0] is not None:
            location = float(self.models[0](row)[0]) * self.unit
        if self.models[1] is not None:
            log_scale = float(self.models[1](row)[0])
        return DatasetPrior(location, float(np.exp(log_scale)), self.offset, self.log_scale_spread)

    def value(self, prior: DatasetPrior, f: FloatArray) -> FloatArray:
        """The values v of scores f (n,) in a dataset; beyond the grid the shape goes on with its mean slope."""
        slope = (self.shape[-1] - self.shape[0]) / (LEVELS[-1] - LEVELS[0])
        beyond = slope * (f - np.clip(f, LEVELS[0], LEVELS[-1]))
        return np.asarray(prior.location + prior.scale * (np.interp(f, LEVELS, self.shape) + beyond))


@dataclass(frozen=True)
class HeldOutScales:
    """Location and scale of each dataset as predicted without it. Shapes: all (t,)."""

    datasets: IntArray
    location: FloatArray
    scale: FloatArray


def fit_location_scale(
    v: FloatArray, dataset: IntArray, reference: BoolArray, meta: Float32Array, fold: IntArray, ignored: Sequence[int]
) -> tuple[LocationScale, HeldOutScales]:
    """Shapes: v, dataset, reference, fold (n,); meta X (n, d) whose `ignored` columns are no meta-features."""
    rows = [i[reference[i]] for i in rows_by_dataset(dataset)]
    enough = [i for i in rows if len(i) >= MIN_RUNS] or [i for i in rows if len(i)] or rows_by_dataset(dataset)
    location = np.array([np.median(v[i]) for i in enough])
    spread = np.array([_spread(v[i]) for i in enough])
    positive = spread[spread > 0]
    typical = float(np.median(positive)) if len(positive) else 1.0
    scale = np.maximum(spread, 1e-3 * typical)
    curves = [(np.quantile(v[i], ndtr(LEVELS)) - m) / s for i, m, s in zip(enough, location, scale, strict=True)]
    shape = np.maximum.accumulate(np.mean(curves, axis=0) + 1e-9 * np.arange(len(LEVELS)))
    first = np.array([i[0] for i in enough])
    X, held_out = np.asfortranarray(meta[first]), fold[first]
    place, place_without = fit_dataset_level(X, location / typical, held_out, ignored)
    width, width_without = fit_dataset_level(X, np.log(scale), held_out, ignored)
    scale_without = np.exp(width_without)
    # the spread of the errors by their 80 % quantile (1.28 σ): one odd dataset must not speak for all
    offset = float(np.quantile(np.abs(location - place_without * typical) / scale_without, 0.8)) / 1.28
    log_spread = float(np.quantile(np.abs(np.log(scale) - width_without), 0.8)) / 1.28
    fitted = LocationScale(
        shape,
        (float(np.median(location)), float(np.median(np.log(scale)))),
        typical,
        (place, width),
        max(offset, 0.3),
        max(log_spread, 0.3),
    )
    return fitted, HeldOutScales(dataset[first], place_without * typical, scale_without)


def fit_levels(
    v: FloatArray, z: FloatArray, dataset: IntArray, meta: Float32Array, fold: IntArray, ignored: Sequence[int]
) -> tuple[LocationScale, HeldOutScales]:
    """For targets whose unit is the same everywhere (seconds, bytes): v is the dataset's level + a common spread · z.

    Shapes: v, its scores z (see `centred`), dataset, fold (n,); meta X (n, d) whose `ignored` columns are no
    meta-features.
    """
    groups = rows_by_dataset(dataset)
    spread = pooled_spread(v, dataset)
    first = np.array([rows[0] for rows in groups])
    level = v[first] - spread * z[first]
    X = np.asfortranarray(meta[first])
    model, without = fit_dataset_level(X, level / spread, fold[first], ignored)
    widths = np.log([max(_spread(v[rows]), 1e-3 * spread) for rows in groups if len(rows) >= MIN_RUNS] or [spread])
    offset = float(np.quantile(np.abs(level / spread - without), 0.8)) / 1.28
    log_spread = float(np.quantile(np.abs(widths - np.log(spread)), 0.8)) / 1.28
    middle = float(np.median(level)), float(np.log(spread))
    place = LocationScale(LEVELS, middle, spread, (model, None), max(offset, 0.3), max(log_spread, 0.1))
    return place, HeldOutScales(dataset[first], without * spread, np.full(len(first), spread))


def _spread(v: FloatArray) -> float:
    """Standard deviation with the tails pulled in to the 5 % and 95 % quantiles: robust, and not fooled by ties."""
    return float(np.std(np.clip(v, *np.quantile(v, [0.05, 0.95]))))
