"""One target of a project, from raw outcomes to a calibrated learner and its report.

A metric is learned by rank within its dataset, a resource by how far it lies from the dataset's mean: its unit is the
same everywhere. Where a dataset's values lie as a whole, a second learner tells from meta-features. Of a dataset that
has none it is expected that it lies where the history's middle does, and its intervals are as wide as it takes to hold
datasets of the history of which nothing else was told.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from app.learn.calibration import Calibration, calibrate, leaning
from app.learn.effects import importance
from app.learn.few_shot import fit_few_shot
from app.learn.gaussian_process import DatasetPrior, learn_kernel
from app.learn.location_scale import HeldOutScales, LocationScale, fit_levels, fit_location_scale
from app.learn.meta_learner import Level, TargetLearner, TargetScale
from app.learn.prior import FittedPrior, fit_prior
from app.learn.rivals import rival_scores
from app.learn.scores import centred, natural_bounds, rank_scores, rows_by_dataset, spans_decades
from app.learn.validation import report_target
from app.space.columns import BoolArray, FloatArray, IntArray
from app.types import FeatureFrame, Prediction

LEVELS = (0.5, 0.7, 0.8, 0.9, 0.95)
"""Intervals whose reliability is reported."""
REPLAYED_RUNS = 120
"""Runs of a history dataset that a search of it is replayed among: among few, ten picks soon include the bad ones."""


@dataclass(frozen=True)
class Rows:
    """The runs that report one target. Shapes: all (n,), frame n rows."""

    frame: FeatureFrame
    y: FloatArray
    reference: BoolArray
    fold: IntArray


def fit_target(
    rows: Rows, names: tuple[str, ...], pool: Executor, *, resource: bool, seed: int
) -> tuple[TargetLearner, dict[str, Any]]:
    """The learner of one target, and its report on datasets (`names`) that its members have not seen."""
    X, dataset = rows.frame.X, rows.frame.groups
    bounds = natural_bounds(rows.y, dataset, resource=resource)
    scale = TargetScale(spans_decades(rows.y, dataset, resource=resource), *bounds)
    v = scale.to_v(rows.y)
    other = [j for j, feature in enumerate(rows.frame.features) if feature.kind != "dataset"]
    reference = np.ones_like(rows.reference) if resource else rows.reference
    z = centred(v, dataset) if resource else rank_scores(v, dataset, reference)
    fitted = fit_prior(X, rows.frame.features, z, dataset, reference, rows.fold, pool, seed=seed)
    placed = partial(_placed, rows, v, fitted.z, reference, resource=resource)
    place, by_dataset = placed(other)
    known = np.isin(dataset, list(by_dataset)) & _varying(v, dataset)
    kernel = learn_kernel([example for _, example in fitted.examples(dataset, reference & known, seed)])
    replayed = fitted.examples(dataset, reference & known, seed, REPLAYED_RUNS)
    few = fit_few_shot(
        kernel,
        [example for _, example in replayed],
        [v[i] for i, _ in replayed],
        [by_dataset[int(dataset[i[0]])] for i, _ in replayed],
        seed,
        resource=resource,
    )
    judged = np.flatnonzero(reference & known)
    level = partial(_level, v[judged], dataset[judged], scale, resource=resource)
    told, expected, residual = level(fitted.f[judged], place, by_dataset)
    blind, _, _ = level(fitted.blind[judged], *placed(range(X.shape[1])))
    learner = TargetLearner(resource, scale, fitted.prior, kernel, told, blind, few)
    report = _report(learner, rows, fitted, expected, residual, judged, names, seed)
    return learner, report


def _placed(
    rows: Rows, v: FloatArray, z: FloatArray, reference: BoolArray, ignored: Sequence[int], *, resource: bool
) -> tuple[LocationScale, dict[int, DatasetPrior]]:
    """Where datasets lie by what their columns say, less those `ignored`; and what so is expected of each left out."""
    X, dataset = rows.frame.X, rows.frame.groups
    if resource:
        place, held_out = fit_levels(v, z, dataset, X, rows.fold, ignored)
    else:
        place, held_out = fit_location_scale(v, dataset, reference, X, rows.fold, ignored)
    return place, _held_out_priors(place, held_out)


def _level(
    v: FloatArray,
    dataset: IntArray,
    scale: TargetScale,
    f: FloatArray,
    place: LocationScale,
    by_dataset: dict[int, DatasetPrior],
    *,
    resource: bool,
) -> tuple[Level, DatasetPrior, FloatArray]:
    """A place with its bands; what was expected of the datasets of runs (n,), each left out, and how far off they lie.

    Shapes: v, dataset and the scores f (n,).
    """
    expected = _row_by_row([by_dataset[int(d)] for d in dataset])
    residual = v - place.value(expected, f)
    calibration = _calibrated(residual, np.asarray(expected.scale), dataset, scale, resource=resource)
    return Level(place, calibration), expected, residual


def _held_out_priors(place: LocationScale, held_out: HeldOutScales) -> dict[int, DatasetPrior]:
    """What is expected of each history dataset by a learner that has not seen it."""
    scales = zip(held_out.datasets, held_out.location, held_out.scale, strict=True)
    return {int(d): DatasetPrior(float(m), float(s), place.offset, place.log_scale_spread) for d, m, s in scales}


def _varying(v: FloatArray, dataset: IntArray) -> BoolArray:
    """Runs of datasets whose outcomes differ (n,): where all are the same, any interval holds. All, if none differ."""
    varies = np.zeros(len(v), dtype=np.bool_)
    for rows in rows_by_dataset(dataset):
        varies[rows] = np.ptp(v[rows]) > 0
    return varies if varies.any() else ~varies


def _calibrated(
    residual: FloatArray, spread: FloatArray, dataset: IntArray, scale: TargetScale, *, resource: bool
) -> Calibration:
    """Bands, and for costs the estimate's lean. Costs keep central intervals: plans are made by the upper end."""
    calibration = calibrate(residual, spread, dataset, shortest=scale.log and not resource)
    return replace(calibration, lean=leaning(residual, dataset)) if scale.log and resource else calibration


def _row_by_row(priors: list[DatasetPrior]) -> DatasetPrior:
    """The priors of runs of several datasets as one, with arrays (n,)."""
    location, scale = (np.array([getattr(p, name) for p in priors]) for name in ("location", "scale"))
    return DatasetPrior(location, scale, priors[0].offset, priors[0].log_scale_spread)


def _report(
    learner: TargetLearner,
    rows: Rows,
    fitted: FittedPrior,
    expected: DatasetPrior,
    residual: FloatArray,
    judged: IntArray,
    names: tuple[str, ...],
    seed: int,
) -> dict[str, Any]:
    """The report of one target; the intervals that judge a fold are calibrated on the others."""
    dataset, fold, f = rows.frame.groups[judged], rows.fold[judged], fitted.f[judged]
    location, scale = np.asarray(expected.location), np.asarray(expected.scale)
    lower, upper, mean = (np.zeros(len(judged)) for _ in range(3))
    for k in np.unique(fold):
        inside = fold == k
        rest = ~inside if (~inside).any() else inside
        calibration = _calibrated(residual[rest], scale[rest], dataset[rest], learner.scale, resource=learner.resource)
        elsewhere = replace(learner, told=replace(learner.told, calibration=calibration))
        at = replace(expected, location=location[inside], scale=scale[inside])
        predicted = elsewhere.zero_shot(f[inside], at)
        mean[inside], lower[inside], upper[inside] = predicted.mean, predicted.lower, predicted.upper
    rivals = rival_scores(rows.frame.X[judged], rows.frame.features, fitted.z[judged], dataset)
    prediction = Prediction(mean, upper - lower, lower, upper)
    report = report_target(
        rows.y[judged], f, prediction, rivals, dataset, rows.reference[judged], names, resource=learner.resource
    )
    return report | {
        "calibration": _reliability(
            residual, scale, dataset, fold, shortest=learner.scale.log and not learner.resource
        ),
        "importance": importance(fitted.prior, rows.frame.X, rows.frame.features, seed),
    }


def _reliability(
    residual: FloatArray, scale: FloatArray, dataset: IntArray, fold: IntArray, *, shortest: bool
) -> list[dict[str, float]]:
    """How often intervals of several levels hold on datasets that played no part in making them."""
    out = []
    for level in LEVELS:
        inside = np.zeros(len(residual), dtype=np.bool_)
        for k in np.unique(fold):
            held = fold == k
            rest = ~held if (~held).any() else held
            band = calibrate(residual[rest], scale[rest], dataset[rest], level, shortest=shortest).band(scale[held])
            inside[held] = (residual[held] >= band[0]) & (residual[held] <= band[1])
        covered = float(np.mean([inside[rows].mean() for rows in rows_by_dataset(dataset)]))
        out.append({"level": level, "covered": covered})
    return out
