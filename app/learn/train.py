"""The step on one page: a table of runs in, a validated bundle and a verdict out."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from catboost import CatBoostError
from threadpoolctl import threadpool_limits

from app.errors import NothingToLearn
from app.featurise.featuriser import Featuriser
from app.learn import bundle
from app.learn.boosting import fit_classifier
from app.learn.calibration import calibrate, few_shot_factor
from app.learn.folds import assign_folds
from app.learn.gaussian_process import DatasetPrior, learn_kernel
from app.learn.location_scale import HeldOutScales, LocationScale, fit_location_scale, pooled_scale
from app.learn.meta_learner import FailureLearner, MetaLearner, TargetLearner, TargetScale
from app.learn.prior import FittedPrior, fit_prior
from app.learn.promotion import decide, held_out_correlations
from app.learn.scores import fold_rows, natural_bounds, rank_scores, reference_runs, rows_by_dataset, spans_decades
from app.learn.validation import average_rank_scores, report_target
from app.space.columns import BoolArray, FloatArray, IntArray
from app.types import FeatureFrame, Prediction, RunTable, Verdict

MIN_RUNS = 10
MIN_FAILURES = 5

Progress = Callable[[str, float], None]
"""Told what is being fitted, and the share that is done."""


@dataclass(frozen=True)
class Trained:
    """A challenger: its bundle, its report, and whether it serves."""

    content: bytes
    report: dict[str, Any]
    verdict: Verdict
    n_runs: int
    n_datasets: int


@dataclass(frozen=True)
class Rows:
    """The runs that report one target. Shapes: all (n,), frame n rows."""

    frame: FeatureFrame
    y: FloatArray
    reference: BoolArray
    fold: IntArray


def train(
    table: RunTable, *, seed: int = 0, threads: int = 1, previous: bytes | None = None, progress: Progress | None = None
) -> Trained:
    """Fit a challenger on a project's history and judge it against the champion, if there is one.

    Raises: NothingToLearn where no target has been reported by enough runs.
    """
    tell = progress or (lambda _stage, _share: None)
    champion = bundle.from_bytes(previous) if previous else None
    folds = assign_folds(table.datasets, champion.folds if champion else None)
    featuriser = Featuriser.fit(table)
    frame = featuriser.transform(table.inputs, table.meta_features, table.dataset)
    fold, reference = fold_rows(table.datasets, table.dataset, folds), reference_runs(table)
    learnable = [name for name in sorted(table.targets) if _usable(table, name).sum() >= MIN_RUNS]
    if not learnable:
        raise NothingToLearn(f"{len(table)} runs, but no target is reported by {MIN_RUNS} of them")
    targets: dict[str, TargetLearner] = {}
    reports: dict[str, Any] = {}
    # members are fitted side by side, each on one thread; BLAS threads would only get in their way
    with ThreadPoolExecutor(threads) as pool, threadpool_limits(limits=1):
        for i, name in enumerate(learnable):
            tell(name, i / len(learnable))
            known = _usable(table, name)
            part = FeatureFrame(np.asfortranarray(frame.X[known]), frame.features, frame.groups[known])
            rows = Rows(part, table.targets[name][known], reference[known], fold[known])
            targets[name], reports[name] = _fit_target(rows, name in table.resources, table.datasets, pool, seed)
    learner = MetaLearner(featuriser, targets, _fit_failure(table, frame, seed), folds, len(table))
    tell("verdict", 1.0)
    verdict = decide(
        held_out_correlations(learner, table), held_out_correlations(champion, table) if champion else None
    )
    report = {
        "targets": reports,
        "n_runs": len(table),
        "n_datasets": len(table.datasets),
        "inputs": len(frame.features),
    }
    return Trained(bundle.to_bytes(learner), report, verdict, len(table), len(table.datasets))


def _usable(table: RunTable, name: str) -> BoolArray:
    """The finished runs that report a target; a failed run's numbers are not what its configuration is worth."""
    finished = (table.state == "completed") | (table.state == "stopped")
    return np.asarray(np.isfinite(table.targets[name]) & finished)


def _fit_target(
    rows: Rows, resource: bool, names: tuple[str, ...], pool: ThreadPoolExecutor, seed: int
) -> tuple[TargetLearner, dict[str, Any]]:
    """One target, from raw outcomes to a calibrated learner and its report."""
    X, dataset = rows.frame.X, rows.frame.groups
    scale = TargetScale(spans_decades(rows.y, dataset, resource=resource), *natural_bounds(rows.y))
    v = scale.to_v(rows.y)
    other = [j for j, feature in enumerate(rows.frame.features) if feature.kind != "dataset"]
    # a resource means the same on every dataset and is learned in its unit; a metric is learned by rank
    reference = np.ones_like(rows.reference) if resource else rows.reference
    place: LocationScale
    if resource:
        place, held_out = pooled_scale(v), None
        z = (v - place.middle[0]) / np.exp(place.middle[1])
    else:
        place, held_out = fit_location_scale(v, dataset, reference, X, rows.fold, other)
        z = rank_scores(v, dataset, reference)
    fitted = fit_prior(X, rows.frame.features, z, dataset, reference, rows.fold, pool, ranks=not resource, seed=seed)
    if resource:
        place = replace(place, offset=_offset(fitted, dataset))
    by_dataset = _held_out_priors(place, held_out, dataset)
    examples = [(i, e) for i, e in fitted.examples(dataset, reference, seed) if int(dataset[i[0]]) in by_dataset]
    kernel = learn_kernel([example for _, example in examples])
    factor = few_shot_factor(
        kernel,
        [example for _, example in examples],
        [v[i] for i, _ in examples],
        [by_dataset[int(dataset[i[0]])] for i, _ in examples],
        seed,
    )
    judged = np.flatnonzero(reference & np.isin(dataset, list(by_dataset)))
    expected = _row_by_row([by_dataset[int(d)] for d in dataset[judged]])
    f = fitted.f[judged]
    residual, spread = v[judged] - place.value(expected, f), np.asarray(expected.scale)
    calibration = calibrate(f, residual, spread, dataset[judged], factor)
    learner = TargetLearner(resource, scale, fitted.prior, kernel, place, calibration)
    report = _report(learner, rows, fitted, expected, residual, judged, names)
    return learner, report


def _held_out_priors(
    place: LocationScale, held_out: HeldOutScales | None, dataset: IntArray
) -> dict[int, DatasetPrior]:
    """What is expected of each history dataset by a learner that has not seen it."""
    if held_out is None:
        same = DatasetPrior(place.middle[0], float(np.exp(place.middle[1])), place.offset, place.log_scale_spread)
        return {int(d): same for d in np.unique(dataset)}
    scales = zip(held_out.datasets, held_out.location, held_out.scale, strict=True)
    return {int(d): DatasetPrior(float(m), float(s), place.offset, place.log_scale_spread) for d, m, s in scales}


def _row_by_row(priors: list[DatasetPrior]) -> DatasetPrior:
    """The priors of runs of several datasets as one, with arrays (n,)."""
    location, scale = (np.array([getattr(p, name) for p in priors]) for name in ("location", "scale"))
    return DatasetPrior(location, scale, priors[0].offset, priors[0].log_scale_spread)


def _offset(fitted: FittedPrior, dataset: IntArray) -> float:
    """How far a dataset's runs lie, as a whole, from what is expected without it, in units of the scale."""
    means = [np.mean(fitted.z[i] - fitted.f[i]) for i in rows_by_dataset(dataset)]
    return max(float(np.sqrt(np.mean(np.square(means)))), 0.1)


def _report(
    learner: TargetLearner,
    rows: Rows,
    fitted: FittedPrior,
    expected: DatasetPrior,
    residual: FloatArray,
    judged: IntArray,
    names: tuple[str, ...],
) -> dict[str, Any]:
    """The report of one target; the intervals that judge a fold are calibrated on the others."""
    dataset, fold, f = rows.frame.groups[judged], rows.fold[judged], fitted.f[judged]
    location, scale = np.asarray(expected.location), np.asarray(expected.scale)
    lower, upper, mean = (np.zeros(len(judged)) for _ in range(3))
    for k in np.unique(fold):
        inside = fold == k
        rest = ~inside if (~inside).any() else inside
        calibration = calibrate(f[rest], residual[rest], scale[rest], dataset[rest], 1.0)
        elsewhere = replace(learner, calibration=calibration)
        at = replace(expected, location=location[inside], scale=scale[inside])
        predicted = elsewhere.zero_shot(f[inside], at)
        mean[inside], lower[inside], upper[inside] = predicted.mean, predicted.lower, predicted.upper
    average_rank = average_rank_scores(rows.frame.X[judged], rows.frame.features, fitted.z[judged], dataset)
    prediction = Prediction(mean, upper - lower, lower, upper)
    return report_target(
        rows.y[judged],
        f,
        prediction,
        average_rank,
        dataset,
        rows.reference[judged],
        names,
        resource=learner.resource,
    )


def _fit_failure(table: RunTable, frame: FeatureFrame, seed: int) -> FailureLearner:
    """The probability of failure, from finished and failed runs."""
    ended = np.asarray(table.state != "running")
    failed = np.asarray(table.state == "failed")[ended]
    rate = float((failed.sum() + 0.5) / (len(failed) + 1.0))
    if min(failed.sum(), (~failed).sum()) < MIN_FAILURES:
        return FailureLearner(rate, None)
    try:
        return FailureLearner(rate, fit_classifier(np.asfortranarray(frame.X[ended]), failed, seed))
    except CatBoostError:  # no input varies: the rate is all there is to know
        return FailureLearner(rate, None)
