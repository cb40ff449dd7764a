"""`python -m tests.quality.import_bench`: how fast histories come in, beside how fast their own libraries read them.

100,000 Optuna trials and 20,000 MLflow runs are written into SQLite files of the libraries' own schemas, read by our
readers alone, imported over HTTP into a real `forerun serve`, imported again (all duplicates), and read by the
libraries: `study.get_trials`, and `MlflowClient.search_runs` page by page, which gives no learning curves.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from sqlalchemy import Connection, create_engine

from app.demo.client import wait_until_ready
from app.importers import mlflow
from app.importers import optuna as optuna_importer
from app.importers.post import post
from app.importers.rules import Plan
from app.importers.source import Source
from tests.acceptance.service import Service, service

READY_SECONDS = 300.0
N_PARAMS, N_STEPS, ROWS = 10, 4, 20_000
"""Of each trial or run: parameters, and points of its one learning curve. Rows that are inserted at once."""


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def insert(connection: Connection, table: Any, rows: Iterator[dict[str, Any]]) -> None:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == ROWS:
            connection.execute(table.insert(), batch)
            batch.clear()
    if batch:
        connection.execute(table.insert(), batch)


# ---------------------------------------------------------------- Optuna


def write_optuna(url: str, n: int) -> None:
    """Trials of one study with numbers on both scales, choices, a value, a user attribute and a curve."""
    from optuna.storages._rdb import models

    optuna.create_study(storage=url, study_name="boosting")
    distributions = [
        optuna.distributions.CategoricalDistribution(["a", "b", None, 3])
        if j % 3 == 0
        else optuna.distributions.FloatDistribution(1e-4, 1, log=True)
        if j % 3 == 1
        else optuna.distributions.IntDistribution(0, 3)
        for j in range(N_PARAMS)
    ]
    texts = [optuna.distributions.distribution_to_json(distribution) for distribution in distributions]
    x = np.random.default_rng(0).uniform(size=(n, N_PARAMS))
    begin = datetime(2026, 1, 1)
    finite = models.TrialValueModel.TrialValueType.FINITE
    on_curve = models.TrialIntermediateValueModel.TrialIntermediateValueType.FINITE
    with create_engine(url).begin() as connection:
        insert(connection, models.TrialModel.__table__, ({
            "trial_id": i + 1, "number": i, "study_id": 1, "state": optuna.trial.TrialState.COMPLETE,
            "datetime_start": begin + timedelta(seconds=i), "datetime_complete": begin + timedelta(seconds=i + 9),
        } for i in range(n)))  # fmt: skip
        insert(connection, models.TrialParamModel.__table__, ({
            "trial_id": i + 1, "param_name": f"p{j}", "distribution_json": texts[j],
            "param_value": float(x[i, j]) * 0.9 + 0.05 if j % 3 == 1 else float(int(4 * x[i, j])),
        } for i in range(n) for j in range(N_PARAMS)))  # fmt: skip
        insert(connection, models.TrialValueModel.__table__, (
            {"trial_id": i + 1, "objective": 0, "value": float(x[i].sum()), "value_type": finite} for i in range(n)
        ))  # fmt: skip
        insert(connection, models.TrialUserAttributeModel.__table__, (
            {"trial_id": i + 1, "key": "host", "value_json": json.dumps(f"node{i % 7}")} for i in range(n)
        ))  # fmt: skip
        insert(connection, models.TrialIntermediateValueModel.__table__, ({
            "trial_id": i + 1, "step": step, "intermediate_value": float(x[i, step]),
            "intermediate_value_type": on_curve,
        } for i in range(n) for step in range(N_STEPS)))  # fmt: skip


def read_by_optuna(url: str) -> int:
    return len(optuna.load_study(storage=url, study_name="boosting").get_trials(deepcopy=False))


# ---------------------------------------------------------------- MLflow


def write_mlflow(url: str, n: int) -> None:
    """Runs of ten experiments with parameters as texts, three metrics, one with a curve, and two tags."""
    from mlflow.store.tracking.dbmodels import models
    from mlflow.tracking import MlflowClient

    client = MlflowClient(url)
    experiments = [int(client.create_experiment(f"experiment-{i}")) for i in range(10)]
    x = np.random.default_rng(0).uniform(size=(n, N_PARAMS))
    ids = [f"{i:032x}" for i in range(n)]
    with create_engine(url).begin() as connection:
        insert(connection, models.SqlRun.__table__, ({
            "run_uuid": ids[i], "name": f"run-{i}", "source_type": "LOCAL", "status": "FINISHED", "user_id": "me",
            "start_time": 1_700_000_000_000 + i, "end_time": 1_700_000_009_000 + i, "lifecycle_stage": "active",
            "artifact_uri": "artifacts", "experiment_id": experiments[i % 10],
        } for i in range(n)))  # fmt: skip
        insert(connection, models.SqlParam.__table__, (
            {"run_uuid": ids[i], "key": f"p{j}", "value": str(float(x[i, j]) if j % 2 else int(9 * x[i, j]))}
            for i in range(n) for j in range(N_PARAMS)
        ))  # fmt: skip
        insert(connection, models.SqlTag.__table__, (
            {"run_uuid": ids[i], "key": key, "value": str(i % 7)} for i in range(n) for key in ("team", "mlflow.user")
        ))  # fmt: skip
        latest = [("auc", N_STEPS - 1), ("loss", 0), ("seconds", 0)]
        insert(connection, models.SqlLatestMetric.__table__, ({
            "run_uuid": ids[i], "key": key, "value": float(x[i, 0]), "timestamp": 1, "step": step, "is_nan": False,
        } for i in range(n) for key, step in latest))  # fmt: skip
        points = [("auc", step) for step in range(N_STEPS)] + [("loss", 0), ("seconds", 0)]
        insert(connection, models.SqlMetric.__table__, ({
            "run_uuid": ids[i], "key": key, "value": float(x[i, 0]), "timestamp": 1, "step": step, "is_nan": False,
        } for i in range(n) for key, step in points))  # fmt: skip


def read_by_mlflow(url: str) -> int:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(url)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    found, token = 0, None
    while True:
        page = client.search_runs(experiments, max_results=1_000, page_token=token)
        found, token = found + len(page), page.token
        if not token:
            return found


# ---------------------------------------------------------------- the figures


def row(name: str, source: Source, server: Service, n: int, library: Callable[[], int]) -> tuple[str, ...]:
    """Runs a second: our reader alone, the import, the same again, the library's reader."""
    reading, read = timed(lambda: sum(len(chunk.bodies) for chunk in source.read(None)))
    with server.client() as client:
        own, served = time.process_time(), cpu_seconds(server)
        importing, first = timed(lambda: post(client, source.read(None), lambda cursor, tally: None))
        own, served = time.process_time() - own, cpu_seconds(server) - served
        repeating, again = timed(lambda: post(client, source.read(None), lambda cursor, tally: None))
    library_reading, by_library = timed(library)
    assert (read, first.created, again.duplicates, by_library) == (n, n, n, n)
    rates = [f"{n / seconds:,.0f}" for seconds in (importing, repeating, reading, library_reading)]
    return (name, *rates, f"{1e3 * own / n:.2f} and {1e3 * served / n:.2f}")


def cpu_seconds(server: Service) -> float:
    """What the API and PostgreSQL have used so far; on a machine that others use too, it says more than the clock."""
    return sum(sum(process.cpu_times()[:2]) for process in server.processes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=20_000)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    optuna.logging.disable_default_handler()
    plan = Plan("bench")
    with tempfile.TemporaryDirectory() as folder, service(FORERUN_REFIT_DELAY_SECONDS="3600") as server:
        trials, runs = (f"sqlite:///{Path(folder)}/{name}.db" for name in ("optuna", "mlflow"))
        write_optuna(trials, asked.trials)
        write_mlflow(runs, asked.runs)
        server.launch()
        with server.client() as client:
            wait_until_ready(client, READY_SECONDS)
        rows = [
            row(
                f"{asked.trials:,} Optuna trials",
                optuna_importer.open_storage(trials, plan),
                server,
                asked.trials,
                lambda: read_by_optuna(trials),
            ),
            row(
                f"{asked.runs:,} MLflow runs",
                mlflow.open_store(runs, plan),
                server,
                asked.runs,
                lambda: read_by_mlflow(runs),
            ),
        ]
    heads = ["runs/s", "imported", "imported again", "our reader alone", "the library's own reader"]
    heads.append("CPU ms a run: importer and service")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    print("\n".join(lines + [f"| {' | '.join(cells)} |" for cells in rows]))  # noqa: T201  # a benchmark prints  # to be pasted
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}")  # noqa: T201  # a benchmark prints


if __name__ == "__main__":
    main()
