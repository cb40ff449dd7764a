"""Targets on a scale that datasets share.

v  (n,)  a target, on the log where it spans decades
z  (n,)  its score: the normal quantile of its rank among the reference runs of its dataset

Runs of lower fidelity, and stopped ones, are placed on the scale of the dataset's fully trained runs (its *reference*),
so that "half as many epochs" reads as "worse" and not as another dataset. On ranks the first recommendation for a new
dataset has a third of the regret that z-scores give (measured on YAHPO, see the README's Decisions).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import ndtri

from app.space.columns import BoolArray, FloatArray, IntArray, NumericColumn
from app.types import RunTable

LOG_RATIO = 3.0
"""A positive metric goes on the log when its 95 % quantile is over this times its 5 % quantile in most datasets."""
ANCHOR_RUNS = 10.0
"""Runs a dataset needs for its own ranks to count as much as what the learner expects of its configurations."""
MIN_REFERENCE = 10
NEAR_100, PERCENT_DATASETS = 95.0, 3
"""Where the best of so many datasets lie, none beyond 100, if a metric is a percentage."""
SAME = 1e-18
"""Variance below which outcomes are all the same."""

ABSURD = 1e12
"""Outcomes this many times larger than the larger quartile are no measurements; a diverged loss may still be one."""


def plausible(y: FloatArray, *, resource: bool) -> BoolArray:
    """Which outcomes of a target (n,), NaN where there is none, can have been measured.

    One 1e300 among accuracies would otherwise be the best run of its dataset, and one training of -1 seconds would
    keep all others off the log.
    """
    known = np.isfinite(y) & ((y >= 0) | (not resource))
    typical = float(np.abs(np.quantile(y[known], [0.25, 0.75])).max()) if known.any() else 0.0
    return np.asarray(known & (np.abs(y) / ABSURD <= (typical or 1.0)))


def usable(table: RunTable, name: str) -> BoolArray:
    """The finished runs that report a target; a failed run's numbers are not what its configuration is worth."""
    finished = (table.state == "completed") | (table.state == "stopped")
    return np.asarray(plausible(table.targets[name], resource=name in table.resources) & finished)


def rows_by_dataset(dataset: IntArray) -> list[IntArray]:
    """The rows of each dataset that has any, in order of the dataset's number."""
    order = np.argsort(dataset, kind="stable")
    cuts = np.flatnonzero(np.diff(dataset[order])) + 1
    return [rows for rows in np.split(order, cuts) if len(rows)]


def spans_decades(y: FloatArray, dataset: IntArray, *, resource: bool) -> bool:
    """Whether a target is read on the log: every positive resource, and positive metrics with a wide spread."""
    if not (y > 0).all():
        return False
    if resource:
        return True
    with np.errstate(over="ignore"):  # 1 and 5e-324 are infinitely many decades apart
        ratios = [np.quantile(y[i], 0.95) / np.quantile(y[i], 0.05) for i in rows_by_dataset(dataset) if len(i) >= 10]
    return bool(ratios) and float(np.median(ratios)) > LOG_RATIO


def reference_runs(table: RunTable) -> BoolArray:
    """The fully trained runs (n,): completed, and at the highest fidelity that their dataset has enough runs of."""
    completed = np.asarray(table.state == "completed")
    reference = completed.copy()
    for path, column in table.inputs.items():
        if path.startswith("fidelity.") and isinstance(column, NumericColumn):
            for rows in rows_by_dataset(table.dataset):
                values = column.values[rows]
                finite = np.isfinite(values)
                if finite.any():
                    reference[rows] &= ~finite | (values >= 0.9 * np.nanmax(values))
    for rows in rows_by_dataset(table.dataset):
        if reference[rows].sum() < min(MIN_REFERENCE, completed[rows].sum()):
            reference[rows] = completed[rows]
    return reference


def rank_scores(v: FloatArray, dataset: IntArray, reference: BoolArray) -> FloatArray:
    """Normal quantiles of ranks within the dataset's reference runs; ties share the middle of their ranks.

    Few runs give small scores: one run is 0, two are ±0.43, so a dataset says no more than it knows.
    """
    z = np.zeros(len(v))
    for rows in rows_by_dataset(dataset):
        full = rows[reference[rows]]
        scale = np.sort(v[full] if len(full) else v[rows])
        below = np.searchsorted(scale, v[rows], "left")
        up_to = np.searchsorted(scale, v[rows], "right")
        z[rows] = ndtri((below + up_to + 1) / 2 / (len(scale) + 1))
    return z


def centred(v: FloatArray, dataset: IntArray) -> FloatArray:
    """Scores of a target whose unit means the same everywhere: how far from the dataset's mean, in common units (n,).

    What a configuration costs more than another carries over from dataset to dataset; what all cost there does not.
    """
    z = np.zeros(len(v))
    for rows in rows_by_dataset(dataset):
        z[rows] = v[rows] - v[rows].mean()
    return z / pooled_spread(v, dataset)


def pooled_spread(v: FloatArray, dataset: IntArray) -> float:
    """Standard deviation inside datasets; 1 where nothing varies."""
    variance = np.concatenate([(v[rows] - v[rows].mean()) ** 2 for rows in rows_by_dataset(dataset)]).mean()
    return float(np.sqrt(variance)) if variance > SAME else 1.0


def anchored(z: FloatArray, expected: FloatArray, dataset: IntArray, reference: BoolArray) -> FloatArray:
    """Scores shifted by what the learner expects of a small dataset's configurations.

    A dataset whose five runs were all recommended has five good runs, and ranks among them call three of them bad. The
    shift (1 - n/(n + 10)) · mean(expected) puts them back; it fades as the dataset's own runs cover the space.

    Shapes: z, expected (out-of-fold predictions of z), dataset, reference all (n,).
    """
    shifted = z.copy()
    for rows in rows_by_dataset(dataset):
        full = rows[reference[rows]]
        at = full if len(full) else rows
        shifted[rows] += ANCHOR_RUNS / (len(at) + ANCHOR_RUNS) * expected[at].mean()
    return shifted


def dataset_weights(dataset: IntArray, reference: BoolArray) -> FloatArray:
    """Weight of each reference run when blends are learned: a dataset counts with the root of its number of runs."""
    weights = np.zeros(len(dataset))
    for rows in rows_by_dataset(dataset):
        full = rows[reference[rows]]
        if len(full):
            weights[full] = 1.0 / np.sqrt(len(full))
    return weights


def natural_bounds(y: FloatArray, dataset: IntArray, *, resource: bool) -> tuple[float | None, float | None]:
    """Bounds that a target cannot leave, read off its history (n,).

    Not below 0 if it never was. A metric is a share if it stays in 0..1, a percentage if several datasets come near 100
    and none beyond; nothing bounds what a training may consume.
    """
    if not len(y) or y.min() < 0:
        return None, None
    if resource or y.max() > 100.0:
        return 0.0, None
    near_100 = [y[rows].max() > NEAR_100 for rows in rows_by_dataset(dataset)]
    return 0.0, 1.0 if y.max() <= 1.0 else 100.0 if sum(near_100) >= PERCENT_DATASETS else None


def winsorised(u: FloatArray) -> FloatArray:
    """Utilities (n,), higher better, with very bad ones pulled up: how bad a bad outcome was carries no information."""
    if len(u) < 4:
        return u
    q1, q2, q3 = np.quantile(u, [0.25, 0.5, 0.75])
    return np.asarray(np.maximum(u, q2 - 3 * (q3 - q1) - 1e-12))


def fold_rows(datasets: Sequence[str], dataset: IntArray, folds: Mapping[str, int]) -> IntArray:
    """The fold of each run (n,)."""
    return np.array([folds[name] for name in datasets], dtype=np.int64)[dataset]
