"""One configuration trained for real, as the run that a cluster would post."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import psutil
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from app.demo import tables
from app.demo.models import estimator
from app.demo.space import CONTEXT, N_FOLDS, Configuration, Json
from app.demo.tables import Task

Rows: TypeAlias = npt.NDArray[np.int64]


def run_of(task: Task, configuration: Configuration, run_id: str) -> Json:
    """Train a configuration, and put the outcome into the form in which it is posted."""
    dataset = {"name": task.name, "meta_features": tables.meta_features(task)}
    return {"run_id": run_id, "dataset": dataset, **inputs_of(configuration), **train(task, configuration)}


def train(task: Task, configuration: Configuration, seed: int = 0) -> Json:
    """The outcome of a configuration: `state`, `metrics` and `resources` of a run.

    A configuration that cannot be trained on this data set (200 neighbours among 120 rows) is a failed run, with the
    reason in its tags.
    """
    with _measured() as usage:
        try:
            metrics = _cross_validate(task, configuration, seed)
        except (ValueError, FloatingPointError) as error:
            return {"state": "failed", "tags": {"error": str(error).splitlines()[0][:200]}}
    return {
        "state": "completed",
        "metrics": metrics,
        "resources": {"duration_seconds": usage.seconds, "peak_memory_bytes": usage.peak_memory_bytes},
    }


def inputs_of(configuration: Configuration) -> Json:
    """The input objects of a run: a prefixed parameter goes to the object that it names."""
    inputs: Json = {"hyperparameters": {}, "architecture": {}, **CONTEXT}
    for name, value in configuration.items():
        kind, _, rest = name.partition(".")
        target = (kind, rest) if rest and kind in inputs else ("hyperparameters", name)
        inputs[target[0]][target[1]] = value
    return inputs


def _cross_validate(task: Task, configuration: Configuration, seed: int) -> dict[str, float]:
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)  # a model that did not converge has the score that it has
        scores = [_fold(task, configuration, seed, *rows) for rows in folds.split(task.X, task.y)]
    return {name: round(float(np.mean([score[name] for score in scores])), 6) for name in scores[0]}


def _fold(task: Task, configuration: Configuration, seed: int, train_rows: Rows, test_rows: Rows) -> dict[str, float]:
    model = estimator(configuration, seed).fit(task.X[train_rows], task.y[train_rows])
    X, truth = task.X[test_rows], task.y[test_rows]
    predicted = np.asarray(model.predict(X)).ravel()
    scores = {
        "accuracy": accuracy_score(truth, predicted),
        "balanced_accuracy": balanced_accuracy_score(truth, predicted),
    }
    if hasattr(model, "predict_proba"):  # a support vector machine has no probabilities to be judged by
        scores["log_loss"] = log_loss(truth, model.predict_proba(X), labels=model.classes_)
    return scores


@contextmanager
def _measured() -> Iterator[SimpleNamespace]:
    """Wall seconds, and the largest memory of this process (all of it, interpreter included), sampled every 5 ms."""
    process, stop = psutil.Process(), threading.Event()
    usage = SimpleNamespace(seconds=0.0, peak_memory_bytes=float(process.memory_info().rss))

    def sample() -> None:
        while not stop.wait(0.005):
            usage.peak_memory_bytes = max(usage.peak_memory_bytes, float(process.memory_info().rss))

    sampler = threading.Thread(target=sample, daemon=True)
    started = time.perf_counter()
    sampler.start()
    try:
        yield usage
    finally:
        usage.seconds = round(time.perf_counter() - started, 6)
        stop.set()
        sampler.join()
