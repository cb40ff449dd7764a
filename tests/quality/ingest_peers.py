"""What ingest is measured beside: COPY, two small FastAPI applications, MLflow's server, Optuna's storage."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import orjson
import psutil
import psycopg
from fastapi import FastAPI, Request, Response
from psycopg import sql
from sqlalchemy import Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.store.database import driver_url
from app.types import Run
from tests.acceptance.service import free_port
from tests.quality.ingest_load import CHOICES

DOCUMENTS = ("hyperparameters", "meta_features", "metrics", "resources")

# ---------------------------------------------------------------- COPY

FLOOR = """
    CREATE TABLE IF NOT EXISTS floor (
        id uuid PRIMARY KEY DEFAULT uuidv7(), project text NOT NULL, run_id text NOT NULL, dataset text NOT NULL,
        hyperparameters jsonb NOT NULL, meta_features jsonb NOT NULL, metrics jsonb NOT NULL, resources jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(), UNIQUE (project, run_id)
    )
"""
COLUMNS = f"project, run_id, dataset, {', '.join(DOCUMENTS)}"


def copy(url: str, runs: Sequence[dict[str, Any]], size: int) -> float:
    """Seconds that psycopg's COPY takes for these runs, so many in a transaction, `write_row` and orjson; no checks."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FLOOR)
        connection.execute("TRUNCATE floor")
        started = time.perf_counter()
        for begin in range(0, len(runs), size):
            with connection.cursor().copy(f"COPY floor ({COLUMNS}) FROM STDIN") as into:
                for run in runs[begin : begin + size]:
                    into.write_row(_row(run))
        return time.perf_counter() - started


def _row(run: dict[str, Any]) -> tuple[Any, ...]:
    flat = {**run, "meta_features": run["dataset"]["meta_features"]}
    return (
        run["project"],
        run["run_id"],
        run["dataset"]["name"],
        *(orjson.dumps(flat[name]).decode() for name in DOCUMENTS),
    )


# ---------------------------------------------------------------- FastAPI

bare = FastAPI()


@bare.post("/v1/runs")
async def read_only(request: Request) -> Response:
    """Takes the body, and that is all."""
    await request.body()
    return Response(b"{}", 201, media_type="application/json")


class _Base(DeclarativeBase):
    pass


class _Row(_Base):
    __tablename__ = "orm_runs"
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, server_default=text("uuidv7()"))
    project: Mapped[str]
    run_id: Mapped[str]
    dataset: Mapped[str]
    hyperparameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    meta_features: Mapped[dict[str, Any]] = mapped_column(JSONB)
    metrics: Mapped[dict[str, Any]] = mapped_column(JSONB)
    resources: Mapped[dict[str, Any]] = mapped_column(JSONB)


orm = FastAPI()


@orm.on_event("startup")
async def _open() -> None:
    engine = create_async_engine(os.environ["PEER_DATABASE_URL"], pool_size=10)
    async with engine.begin() as connection:
        await connection.run_sync(_Base.metadata.create_all)
    orm.state.session = async_sessionmaker(engine, expire_on_commit=False)


@orm.post("/v1/runs", status_code=201)
async def insert(run: Run) -> dict[str, Any]:
    """One insert and one commit for each request, as it is first written everywhere."""
    row = _Row(project=run.project, run_id=run.run_id or "", dataset=run.dataset.name,
               meta_features=run.dataset.meta_features, hyperparameters=run.hyperparameters, metrics=run.metrics,
               resources=run.resources)  # fmt: skip
    async with orm.state.session() as session, session.begin():
        session.add(row)
    return {"id": row.id, "run_id": run.run_id, "status": "created"}


def _own_database(url: str, name: str) -> str:
    """A database of this name on the same server, for SQLAlchemy: the trackers' migrations all use one table's name."""
    with psycopg.connect(url, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return driver_url(url).set(database=name).render_as_string(hide_password=False)


class Application(NamedTuple):
    """One that listens."""

    port: int
    process: psutil.Process


@contextmanager
def application(name: str, url: str, core: set[int], *, logged: bool = False) -> Iterator[Application]:
    """`bare`, `orm` or `mlflow` in a process of its own on one core.

    `logged`: with uvicorn's own line about each request, as it comes unless it is told otherwise.
    """
    port = free_port()
    where = {"mlflow": "mlflow.server.fastapi_app:app"}.get(name, f"tests.quality.ingest_peers:{name}")
    silent = [] if logged else ["--no-access-log", "--log-level", "error"]
    command = [sys.executable, "-m", "uvicorn", where, "--port", str(port), *silent]
    environment = os.environ | {
        "PEER_DATABASE_URL": _own_database(url, "orm"),
        "_MLFLOW_SERVER_FILE_STORE": _own_database(url, "mlflow"),
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "/nowhere",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        os.sched_setaffinity(process.pid, core)
        _wait(port)
        yield Application(port, psutil.Process(process.pid))
    finally:
        process.kill()
        process.wait()


def _wait(port: int) -> None:
    for _ in range(600):
        try:
            httpx.get(f"http://127.0.0.1:{port}/health")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the peer did not start")


# ---------------------------------------------------------------- trackers of experiments


def mlflow_rate(url: str, runs: Sequence[dict[str, Any]], clients: int, core: set[int]) -> float:
    """Runs a second by MLflow's REST API: create, log all inputs as parameters and all targets as metrics, finish."""
    with application("mlflow", url, core) as server:
        api = f"http://127.0.0.1:{server.port}/api/2.0/mlflow"
        made = httpx.post(f"{api}/experiments/create", json={"name": f"bench-{time.time_ns()}"}, timeout=120)
        experiment = made.raise_for_status().json()["experiment_id"]

        def log(share: Sequence[dict[str, Any]]) -> None:
            with httpx.Client(timeout=120) as client:
                for run in share:
                    _log(client, api, experiment, run)

        log(runs[:1])
        started = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(log, [runs[i::clients] for i in range(clients)]))
        return len(runs) / (time.perf_counter() - started)


def _log(client: httpx.Client, api: str, experiment: str, run: dict[str, Any]) -> None:
    created = client.post(f"{api}/runs/create", json={"experiment_id": experiment, "start_time": 0})
    run_id = created.raise_for_status().json()["run"]["info"]["run_id"]
    parameters = run["hyperparameters"] | run["dataset"]["meta_features"]
    logged = {
        "run_id": run_id,
        "params": [{"key": name, "value": str(value)} for name, value in parameters.items()],
        "metrics": [
            {"key": name, "value": value, "timestamp": 0, "step": 0}
            for name, value in (run["metrics"] | run["resources"]).items()
        ],
    }
    client.post(f"{api}/runs/log-batch", json=logged).raise_for_status()
    client.post(f"{api}/runs/update", json={"run_id": run_id, "status": "FINISHED"}).raise_for_status()


def optuna_rate(url: str, runs: Sequence[dict[str, Any]]) -> float:
    """Trials a second by `study.add_trial` into Optuna's RDB storage: hyperparameters, one value, user attributes."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = optuna.storages.RDBStorage(_own_database(url, "optuna"))
    study = optuna.create_study(storage=storage, study_name=f"bench-{time.time_ns()}")
    trials = [_trial(run) for run in runs]
    started = time.perf_counter()
    for trial in trials:
        study.add_trial(trial)
    return len(runs) / (time.perf_counter() - started)


def _trial(run: dict[str, Any]) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution
    from optuna.trial import create_trial

    parameters = {name: value for name, value in run["hyperparameters"].items() if not isinstance(value, int)}
    distributions = {
        name: FloatDistribution(0, 1) if isinstance(value, float) else CategoricalDistribution(CHOICES)
        for name, value in parameters.items()
    }
    attributes = run["metrics"] | {"dataset": run["dataset"]["name"]}
    return create_trial(
        params=parameters, distributions=distributions, value=run["metrics"]["accuracy"], user_attrs=attributes
    )
