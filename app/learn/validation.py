"""What the meta-learner is worth, on datasets that the predicting member has not seen.

Every dataset's own runs are the candidates: ranked by out-of-fold scores, what is the regret of the first 1, 5, 10,
next to picking at random (exact expectation), by average rank and by a portfolio (where configurations recur)? Regret
is the distance to the dataset's best run over its range of outcomes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata, spearmanr

from app.learn.scores import rows_by_dataset
from app.space.columns import BoolArray, FloatArray, IntArray
from app.types import Prediction

AT = (1, 5, 10)
MIN_RUNS = 10

Figures = dict[str, float]


def regret_curve(order: IntArray, utility: FloatArray) -> Figures:
    """Regret of the best of the first k in an order. Shapes: order, utility (n,), higher better."""
    regret = _regret(utility)[order]
    return {str(k): float(regret[:k].min()) for k in AT}


def random_curve(utility: FloatArray) -> Figures:
    """The same for random picks without replacement, in exact expectation."""
    regret = np.sort(_regret(utility))
    n = len(regret)
    out: Figures = {}
    for k in AT:
        k_used = min(k, n)
        # P(the best of k is the i-th best) = P(not better so far) · k / (n - i)
        alive, expected = 1.0, 0.0
        for i in range(n - k_used + 1):
            p = alive * k_used / (n - i)
            expected += p * regret[i]
            alive -= p
        out[str(k)] = float(expected)
    return out


def _regret(utility: FloatArray) -> FloatArray:
    return np.asarray((utility.max() - utility) / max(float(np.ptp(utility)), 1e-300))


def report_target(
    y: FloatArray,
    f: FloatArray,
    predicted: Prediction,
    rivals: Mapping[str, FloatArray],
    dataset: IntArray,
    reference: BoolArray,
    names: Sequence[str],
    *,
    resource: bool,
) -> dict[str, Any]:
    """The report of one target.

    Shapes: y, f (out of fold), dataset, reference, all of predicted and each rival's scores (n,), higher y first.
    """
    by_dataset: dict[str, Any] = {}
    for rows in rows_by_dataset(dataset):
        i = rows[reference[rows]]
        if len(i) >= MIN_RUNS and np.ptp(y[i]) > 0:
            by_dataset[names[dataset[i[0]]]] = _report_dataset(y[i], f[i], predicted, rivals, i, resource)
    return {**_mean(list(by_dataset.values())), "n_held_out_datasets": len(by_dataset), "by_dataset": by_dataset}


def _report_dataset(
    y: FloatArray, f: FloatArray, predicted: Prediction, rivals: Mapping[str, FloatArray], i: IntArray, resource: bool
) -> dict[str, Any]:
    inside = (y >= predicted.lower[i]) & (y <= predicted.upper[i])
    regret: dict[str, Any] = {}
    for direction, sign in (("maximize", 1.0), ("minimize", -1.0)):
        if resource and direction == "maximize":
            continue
        utility = sign * y
        regret[direction] = {
            "meta_learner": regret_curve(np.argsort(-sign * f, kind="stable"), utility),
            "random": random_curve(utility),
        }
        for name, scores in rivals.items():
            if name.endswith(direction):
                order = np.argsort(-sign * scores[i], kind="stable")
                regret[direction][name.removesuffix(f".{direction}")] = regret_curve(order, utility)
    correlation = float(spearmanr(f, y).statistic) if np.ptp(f) > 0 else 0.0
    relative = float(np.median(np.abs(predicted.mean[i] - y) / np.maximum(np.abs(y), 1e-12)))
    return {
        "n_runs": len(y),
        "rank_correlation": correlation,
        "coverage": float(inside.mean()),
        "median_relative_error": relative,
        "regret": regret,
    }


def _mean(reports: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means over datasets of every number, whatever its depth."""
    if not reports:
        return {}
    out: dict[str, Any] = {}
    for key, value in reports[0].items():
        if isinstance(value, Mapping):
            out[key] = _mean([r[key] for r in reports])
        elif key != "n_runs":
            out[key] = float(np.mean([r[key] for r in reports]))
    return out


def rank_correlations(y: FloatArray, f: FloatArray, dataset: IntArray, reference: BoolArray) -> dict[int, float]:
    """Spearman correlation of scores and outcomes, dataset by dataset, where there are enough reference runs."""
    out: dict[int, float] = {}
    for rows in rows_by_dataset(dataset):
        i = rows[reference[rows]]
        if len(i) >= MIN_RUNS and np.ptp(y[i]) > 0:
            a, b = rankdata(f[i]), rankdata(y[i])
            out[int(dataset[i[0]])] = float(np.corrcoef(a, b)[0, 1]) if np.ptp(a) > 0 else 0.0
    return out
