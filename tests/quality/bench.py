"""`make bench`: the speed figures of the README, each beside a floor that is measured in the same run.

A made history of 10,000 runs (100 datasets, 30 inputs, 3 targets) is learned from in this process, then posted to a
real `forerun serve` that learns it again and is asked for recommendations. The floors are bare CatBoost: one fit of
1,000 trees on the same matrix, and one prediction of the same candidates by that model.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import psutil
from catboost import CatBoostRegressor, Pool
from rich.console import Console
from rich.markdown import Markdown

from app.demo import client as api
from app.featurise.featuriser import Featuriser
from app.featurise.frame import columns_of, inputs_of, run_table
from app.learn.train import train
from app.types import Run, StoredRun
from tests.acceptance.service import Service, service
from tests.histories import NOW

N_DATASETS, RUNS_EACH, N_CANDIDATES, N_REQUESTS = 100, 100, 1_000, 40
OWN_RUNS = {50: "under 100 ms", 100: "under 150 ms", 500: ""}
"""Numbers of own runs with which recommendations are asked for, and the goal for the median."""
PROJECT = "bench"
console = Console()


def made_run(rng: np.random.Generator, dataset: int, i: int) -> dict[str, Any]:
    """20 hyperparameters, 2 environment, 2 fidelity inputs, 6 meta-features; accuracy, log loss, seconds."""
    x = rng.uniform(size=14)
    hyperparameters: dict[str, Any] = {f"x{j}": float(x[j]) for j in range(12)}
    hyperparameters |= {"rate": float(10 ** (-4 + 4 * x[12])), "width": int(2 ** (4 + 6 * x[13]))}
    hyperparameters |= {f"c{j}": str(rng.choice(["a", "b", "c", "d"])) for j in range(6)}
    meta = np.random.default_rng(dataset).uniform(size=6)
    bowl = float(((x - np.resize(meta, 14)) ** 2).sum()) - 0.2 * (hyperparameters["c0"] == "a")
    accuracy = float(0.5 + 0.4 * meta[0] * np.exp(-bowl) + rng.normal(0, 0.005))
    return {
        "run_id": f"{dataset}-{i}",
        "dataset": {"name": f"data-{dataset}", "meta_features": {f"m{j}": float(v) for j, v in enumerate(meta)}},
        "state": "completed",
        "hyperparameters": hyperparameters,
        "environment": {"accelerator": str(rng.choice(["A100", "H200"])), "n_accelerators": int(rng.integers(1, 5))},
        "fidelity": {"epochs": int(rng.choice([10, 50])), "fraction": 1.0},
        "metrics": {"accuracy": accuracy, "log_loss": float(-np.log(accuracy) + 0.01)},
        "resources": {"duration_seconds": float(10 * hyperparameters["width"] * (1 + meta[1]) * rng.lognormal(0, 0.1))},
    }


def made_history() -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    return [made_run(rng, dataset, i) for dataset in range(N_DATASETS) for i in range(RUNS_EACH)]


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def in_process(
    history: list[dict[str, Any]], threads: int
) -> tuple[list[tuple[str, str, str]], CatBoostRegressor, Any]:
    """Refit against one bare CatBoost fit of the same matrix."""
    runs = [
        StoredRun(uuid, Run.model_validate(body), NOW, NOW)
        for uuid, body in zip(ids(len(history)), history, strict=True)
    ]
    meta_features = {run.run.dataset.name: dict(run.run.dataset.meta_features) for run in runs}
    table_seconds, table = timed(lambda: run_table(runs, meta_features))
    featuriser = Featuriser.fit(table)
    frame = featuriser.transform(table.inputs, table.meta_features, table.dataset)
    bare = CatBoostRegressor(iterations=1000, depth=6, thread_count=threads, verbose=False, allow_writing_files=False)
    floor_seconds, _ = timed(lambda: bare.fit(Pool(frame.X, table.targets["accuracy"])))
    refit_seconds, trained = timed(lambda: train(table, seed=0, threads=threads))
    rows = [
        ("columns from 10,000 runs", f"{table_seconds:.1f} s", ""),
        ("refit of 10,000 runs, 30 inputs, 3 targets, validation included", f"{refit_seconds:.0f} s", "under 180 s"),
        (
            "floor: one bare CatBoost fit (1,000 trees, one target, no validation)",
            f"{floor_seconds:.1f} s",
            f"ratio {refit_seconds / floor_seconds:.1f}",
        ),
        ("size of the bundle", f"{len(trained.content) / 2**20:.1f} MiB", ""),
    ]
    return rows, bare, featuriser


def resident_bytes(server: Service) -> int:
    """Resident memory of the API process."""
    return max(p.memory_info().rss for p in server.processes() if "serve" in " ".join(p.cmdline()))


def ids(n: int) -> list[Any]:
    from uuid import UUID

    return [UUID(int=i) for i in range(n)]


def over_http(
    server: Service, history: list[dict[str, Any]], bare: CatBoostRegressor, featuriser: Featuriser
) -> list[tuple[str, str, str]]:
    """Recommendations by a served champion against one bare prediction of the same candidates."""
    rng = np.random.default_rng(1)
    own = [{**made_run(rng, 500, i), "project": PROJECT} for i in range(max(OWN_RUNS))]
    inputs = [made_run(rng, 500, i) for i in range(N_CANDIDATES)]
    question = {
        "project": PROJECT,
        "dataset": own[0]["dataset"],
        "objectives": [{"metric": "accuracy", "direction": "maximize"}],
        "search_space": {"candidates": [run["hyperparameters"] for run in inputs]},
        "context": {"fidelity": {"epochs": 50}},
    }
    flat = [inputs_of(Run.model_validate(run)) for run in inputs]
    X = featuriser.transform(columns_of(flat), [own[0]["dataset"]["meta_features"]], np.zeros(len(flat), np.int64)).X
    with server.client() as client:
        ingest_seconds, _ = timed(lambda: api.post_runs(client, PROJECT, history))
        refit_seconds, _ = timed(lambda: api.refit(client, PROJECT, lambda _: None))
        rows, posted = [], 0
        for n, goal in OWN_RUNS.items():
            api.post_runs(client, PROJECT, own[posted:n])
            posted = n
            rows += asked(client, question, lambda: bare.predict(Pool(X), thread_count=1), n, goal)
    resident = resident_bytes(server)
    return [
        ("the same refit, posted, queued and served", f"{refit_seconds:.0f} s", "under 180 s"),
        ("ingest of 10,000 runs in batches", f"{len(history) / ingest_seconds:,.0f} runs/s", ""),
        *rows,
        ("resident memory of the API process afterwards", f"{resident / 2**20:.0f} MiB", "under 600 MiB"),
    ]


def asked(
    client: Any, question: dict[str, Any], floor: Callable[[], Any], n_own: int, goal: str
) -> list[tuple[str, str, str]]:
    """Recommendations with so many own runs, `best` and `improve` in turn, each beside the floor."""
    api.recommend(client, question)  # the first one unpacks the bundle
    took, bare = [], []
    for strategy in ("best", "improve") * (N_REQUESTS // 2):
        took.append(timed(lambda s=strategy: api.recommend(client, {**question, "strategy": s}))[0])
        bare.append(timed(floor)[0])
    median, least = statistics.median(took), statistics.median(bare)
    what = f"recommend, 1,000 candidates, {n_own} own runs: median, 95 % quantile"
    return [
        (what, f"{1e3 * median:.0f} ms, {1e3 * float(np.quantile(took, 0.95)):.0f} ms", goal),
        ("floor: bare CatBoost prediction of these candidates", f"{1e3 * least:.1f} ms", f"ratio {median / least:.0f}"),
    ]


def main() -> None:
    threads = os.cpu_count() or 1
    history = made_history()
    with console.status("refit in this process, then over HTTP ..."):
        rows, bare, featuriser = in_process(history, threads)
        with service(FORERUN_REFIT_DELAY_SECONDS="600") as server:
            server.start()
            rest = resident_bytes(server)
            rows += over_http(server, history, bare, featuriser)
    rows.append(("resident memory of the API process at rest", f"{rest / 2**20:.0f} MiB", "under 600 MiB"))
    lines = ["| figure | measured | goal, or against the floor |", "|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    text = "\n".join(lines)
    print(text)  # noqa: T201  # to be pasted
    console.print(
        f"{threads} cores, Python {platform.python_version()}, {psutil.virtual_memory().total / 2**30:.0f} GiB"
    )
    if console.is_terminal:
        console.print(Markdown(text))


if __name__ == "__main__":
    main()
