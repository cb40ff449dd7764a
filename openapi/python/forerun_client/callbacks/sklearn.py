"""scikit-learn's searches: every candidate of a fitted search becomes a run."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from forerun_client.values import Json, plain


def runs_of(search: Any, project: str, dataset: str | Mapping[str, Any], **more: Any) -> Iterator[Json]:
    """The candidates of a fitted `GridSearchCV`, `RandomizedSearchCV` or one of their halving kin, as runs.

    A metric is the mean over the folds; `neg_log_loss` becomes `log_loss`. A candidate whose fit failed is a failed
    run. What a halving search spent on a candidate is its fidelity. The same search posted twice is stored once.
    """
    results = search.cv_results_
    names = _metric_names(search)
    for i, parameters in enumerate(results["params"]):
        metrics = {metric: sign * float(results[column][i]) for column, (metric, sign) in names.items()}
        measured = {name: value for name, value in metrics.items() if math.isfinite(value)}
        run = {
            **more,
            "project": project,
            "dataset": plain(dataset),
            "state": "completed" if measured else "failed",
            "hyperparameters": _named(search.estimator, parameters),
            "fidelity": _fidelity(search, results, i),
            "metrics": measured,
            "resources": {"duration_seconds": _seconds(search, results, i)},
        }
        yield {**run, "run_id": _fingerprint(run, i)}


def _metric_names(search: Any) -> dict[str, tuple[str, int]]:
    """Column of the results: what it measures, and its sign."""
    columns = [name for name in search.cv_results_ if name.startswith("mean_test_")]
    named = {column: column.removeprefix("mean_test_") for column in columns}
    if list(named.values()) == ["score"]:
        named = {"mean_test_score": search.scoring if isinstance(search.scoring, str) else "score"}
    return {column: (name.removeprefix("neg_"), -1 if name.startswith("neg_") else 1) for column, name in named.items()}


def _named(estimator: Any, parameters: Mapping[str, Any]) -> Json:
    """Parameters in JSON; an object among them (a step of a pipeline) by the name of its class."""
    return {"estimator": type(estimator).__name__, **{name: _plain(value) for name, value in parameters.items()}}


def _plain(value: Any) -> Any:
    try:
        return plain(value)
    except TypeError:
        return getattr(value, "__name__", type(value).__name__)


def _fidelity(search: Any, results: Mapping[str, Any], i: int) -> Json:
    found: Json = {"n_folds": search.n_splits_}
    if "n_resources" in results:
        found[search.resource] = plain(results["n_resources"][i])
    return found


def _seconds(search: Any, results: Mapping[str, Any], i: int) -> float:
    """Of all folds, fitting and scoring."""
    return float((results["mean_fit_time"][i] + results["mean_score_time"][i]) * search.n_splits_)


def _fingerprint(run: Json, i: int) -> str:
    """Times differ each time a search is run, which makes it another search."""
    return hashlib.sha256(json.dumps([run, i], sort_keys=True).encode()).hexdigest()[:32]
