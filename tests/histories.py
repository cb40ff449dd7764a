"""Made-up histories whose truth is known: what is good depends on the dataset in a way that its meta-features tell."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np

from app.featurise.frame import run_table
from app.types import INPUT_KINDS, DatasetReference, PastRun, Run, RunTable, StoredRun

Configuration = dict[str, Any]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SPACE = {
    "parameters": {
        "family": {"type": "categorical", "choices": ["tree", "linear"]},
        "rate": {"type": "float", "low": 0.001, "high": 1.0, "log": True},
        "depth": {"type": "int", "low": 1, "high": 10, "when": {"family": ["tree"]}},
    }
}


def meta_features(dataset: int) -> dict[str, float]:
    """Of dataset number `dataset`: its size, and a feature that says nothing."""
    return {"n_rows": 100.0 * 2.0**dataset, "noise": float((dataset * 7919) % 13)}


def accuracy(configuration: Configuration, dataset: int) -> float:
    """Best with trees, a rate near 0.05, and the deeper the more rows there are; datasets differ in level and range."""
    rate = float(configuration["rate"])
    miss = (math.log10(rate) - math.log10(0.05)) ** 2 * 0.3
    if configuration["family"] == "tree":
        miss += (float(configuration["depth"]) - min(2 + dataset, 10)) ** 2 * 0.01
    else:
        miss += 0.5
    return 0.5 + 0.03 * dataset + (0.1 + 0.02 * dataset) * math.exp(-miss)


def seconds(configuration: Configuration, dataset: int) -> float:
    """Linear in the rows, doubling with every two levels of depth."""
    return 0.01 * 2.0**dataset * 2.0 ** (float(configuration.get("depth", 0)) / 2)


def configuration(rng: np.random.Generator) -> Configuration:
    """A random one of `SPACE`."""
    chosen: Configuration = {"family": str(rng.choice(["tree", "linear"])), "rate": float(10 ** rng.uniform(-3, 0))}
    if chosen["family"] == "tree":
        chosen["depth"] = int(rng.integers(1, 11))
    return chosen


def history(datasets: Iterable[int], n_runs: int, seed: int = 0, failing: bool = False) -> list[StoredRun]:
    """`n_runs` random runs of each dataset; with `failing`, trees deeper than 8 run out of memory."""
    rng = np.random.default_rng(seed)
    return [_run(d, i, configuration(rng), rng, failing) for d in datasets for i in range(n_runs)]


def table(runs: list[StoredRun]) -> RunTable:
    return run_table(runs, {run.run.dataset.name: dict(run.run.dataset.meta_features) for run in runs})


def past(stored: StoredRun) -> PastRun:
    """As a history has it."""
    run = stored.run
    inputs = {kind: getattr(run, kind) for kind in INPUT_KINDS}
    finished_at = (run.finished_at or stored.created_at).timestamp()
    measured = {"metrics": run.metrics, "resources": run.resources, "learning_curve": run.learning_curve}
    return PastRun(stored.id.bytes, run.dataset.name, run.state, **inputs, **measured, finished_at=finished_at)


def stored(past: PastRun) -> StoredRun:
    """As it was taken in, but for what a history leaves out."""
    body = past._asdict() | {"dataset": DatasetReference(name=past.dataset)}
    finished_at = datetime.fromtimestamp(past.finished_at, UTC)
    run = Run.model_construct(**{**body, "finished_at": finished_at})
    return StoredRun(UUID(bytes=past.id), run, finished_at, finished_at)


def _run(dataset: int, i: int, chosen: Configuration, rng: np.random.Generator, failing: bool) -> StoredRun:
    failed = failing and int(chosen.get("depth", 0)) > 8
    body = {
        "run_id": f"{dataset}-{i}",
        "dataset": {"name": f"data-{dataset}", "meta_features": meta_features(dataset)},
        "state": "failed" if failed else "completed",
        "hyperparameters": chosen,
        "metrics": {} if failed else {"accuracy": accuracy(chosen, dataset) + float(rng.normal(0, 0.002))},
        "resources": {} if failed else {"duration_seconds": seconds(chosen, dataset) * float(rng.lognormal(0, 0.05))},
    }
    return StoredRun(UUID(int=dataset * 10_000 + i), Run.model_validate(body), NOW, NOW)
