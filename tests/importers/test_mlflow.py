from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from app.importers.mlflow import open_store
from app.importers.mlflow.run import STAGES
from app.importers.recover import recovered
from app.importers.rules import Plan, Rules
from app.importers.source import CannotImport

PLAN = Plan("mlops")
Import = Callable[..., Any]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

PARAMS = {
    "learning_rate": "0.1",
    "depth": "6",
    "warm_start": "True",
    "max_features": "None",
    "hidden_sizes": "[64, 32]",
    "betas": "(0.9, 0.999)",
    "schedule": "{'kind': 'cosine', 'steps': 10}",
    "gamma": "1e-05",
    "booster": "gbtree",
    "code": "007",
    "missing": "nan",
    "opt/name": "adam",
}
RECOVERED = {
    "learning_rate": 0.1,
    "depth": 6,
    "warm_start": True,
    "max_features": None,
    "hidden_sizes": [64, 32],
    "betas": [0.9, 0.999],
    "schedule": {"kind": "cosine", "steps": 10},
    "gamma": 1e-05,
    "booster": "gbtree",
    "code": "007",
    "missing": "nan",
    "opt/name": "adam",
}


@dataclass(frozen=True)
class Store:
    """A history made by MLflow itself: where it can be read from, and MLflow's own client for it."""

    where: str
    client: Any


def fill(client: Any) -> None:
    """Runs of every state in two experiments, some with inputs, steps, infinite and missing metrics."""
    from mlflow.entities import Dataset, DatasetInput, Metric, Param

    for experiment in ("credit", "churn"):
        key = client.create_experiment(experiment)
        for i, status in enumerate(["FINISHED", "FAILED", "KILLED", "FINISHED", "FINISHED", "RUNNING"]):
            run = client.create_run(key, tags={"team": "risk"}).info.run_id
            metrics = [Metric("auc", 0.5 + 0.1 * step + 0.01 * i, 1_700_000_000_000 + step, step) for step in range(4)]
            metrics += [Metric("loss", 0.3, 1_700_000_000_000, 0), Metric("system/cpu", 17.0, 1_700_000_000_000, 1)]
            if i == 3:
                metrics = [Metric("auc", math.nan, 1_700_000_000_000, 0), Metric("loss", math.inf, 1, 0)]
            if i == 4:
                metrics = []
            client.log_batch(run, metrics=metrics, params=[Param(*pair) for pair in PARAMS.items()])
            if i == 0:
                described = Dataset("adult", "d1", "local", "{}", profile='{"num_rows": 48842, "num_elements": 1}')
                client.log_inputs(run, [DatasetInput(described)])
            if status != "RUNNING":
                client.set_terminated(run, status)
    client.delete_run(client.create_run(key).info.run_id)


@contextmanager
def unwarned() -> Iterator[None]:
    """MLflow deprecates for its own sake."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("mlflow")
    with unwarned():
        from mlflow.tracking import MlflowClient

        client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
        fill(client)
    return Store(f"sqlite:///{folder}/mlflow.db", client)


@pytest.fixture(scope="session")
def server(database: Store) -> Iterator[Store]:
    """MLflow's own tracking server over that database."""
    with unwarned():
        from mlflow.server import app
        from mlflow.server.handlers import initialize_backend_stores

        initialize_backend_stores(database.where, default_artifact_root="artifacts")
        listening = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield Store(f"http://127.0.0.1:{listening.server_port}", database.client)
        listening.shutdown()
        thread.join()
        listening.server_close()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("mlruns")
    with unwarned(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        from mlflow.tracking import MlflowClient

        client = MlflowClient(folder.as_uri())
        fill(client)
        yield Store(str(folder), client)


@pytest.fixture(params=["database", "server", "folder"])
def store(request: pytest.FixtureRequest) -> Store:
    made: Store = request.getfixturevalue(request.param)
    return made


def own_runs(store: Store) -> list[Any]:
    with unwarned():
        experiments = [e for e in store.client.search_experiments() if e.name != "Default"]
        return [run for e in experiments for run in store.client.search_runs([e.experiment_id])]


def said(store: Store, run: Any) -> dict[str, Any]:
    """A run of ours, from what MLflow's own client says of its run."""
    finite = {
        name: value for name, value in run.data.metrics.items() if abs(value) < 1e300 and not name.startswith("system/")
    }
    points: dict[float, dict[str, float]] = {}
    for name in finite:
        history = store.client.get_metric_history(run.info.run_id, name)
        for point in history if len({point.step for point in history}) > 1 else ():
            points.setdefault(float(point.step), {})[name] = point.value
    state = STAGES[run.info.status]
    inputs = run.inputs.dataset_inputs
    return {
        "state": "failed" if state == "completed" and not finite else state,
        "hyperparameters": {name: recovered(value) for name, value in run.data.params.items()},
        "metrics": finite,
        "learning_curve": [{"step": s, "metrics": points[s]} for s in sorted(points)],
        "dataset": inputs[0].dataset.name if inputs else store.client.get_experiment(run.info.experiment_id).name,
        "duration_seconds": (run.info.end_time - run.info.start_time) / 1e3,
    }


def test_runs_are_what_mlflow_says_of_them(store: Store, imported: Import) -> None:
    source = open_store(store.where, PLAN)
    tally, runs = imported(source)
    assert (tally.created, tally.rejected) == (8, 0)
    assert tally.left_out == {"still running": 2, "completed without a metric": 2}
    assert source.total in (None, 12, 13)  # the folders of deleted runs are still there
    own = {run.info.run_id: run for run in own_runs(store)}
    assert len(own) == 12
    for run_id, run in runs.items():
        expected = said(store, own[run_id])
        shown = run | {"dataset": run["dataset"]["name"], "duration_seconds": run["resources"]["duration_seconds"]}
        assert {key: shown[key] for key in expected} == expected
        assert run["hyperparameters"] == RECOVERED
        assert run["tags"]["team"] == "risk"
        assert run["tags"]["mlflow_experiment"] in ("credit", "churn")


def test_what_was_logged_as_input_is_the_dataset(store: Store, imported: Import) -> None:
    _, runs = imported(open_store(store.where, PLAN, experiments=["credit"]))
    assert len(runs) == 4
    described = [run["dataset"] for run in runs.values() if run["dataset"]["name"] == "adult"]
    assert described == [{"name": "adult", "meta_features": {"n_rows": 48842}}]


def test_the_same_history_again_is_known_wherever_it_is_read(database: Store, server: Store, imported: Import) -> None:
    first, _ = imported(open_store(database.where, PLAN))
    again, runs = imported(open_store(server.where, PLAN))
    assert (first.created, again.created, again.duplicates) == (8, 0, 8)
    assert len(runs) == 8


def test_rules_say_otherwise(store: Store) -> None:
    rules = Rules({"dataset": ["team"], "fidelity": ["depth"], "resources": ["system/*"], "ignored": ["loss"]})
    (chunk,) = open_store(store.where, Plan("p", rules, curves=False), experiments=["churn"]).read(None)
    finished = next(body for body in chunk.bodies if body["state"] == "completed")
    assert finished["dataset"]["name"] == "risk"
    assert finished["fidelity"] == {"depth": 6}
    assert finished["resources"]["system/cpu"] == 17.0
    assert finished["metrics"].keys() == {"auc"}
    assert all("learning_curve" not in body for body in chunk.bodies)


def test_it_goes_on_where_it_stopped(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("tables.CHUNK", "files.CHUNK", "server.PAGE"):
        monkeypatch.setattr(f"app.importers.mlflow.{name}", 5)
    chunks = list(open_store(store.where, PLAN).read(None))
    rest = list(open_store(store.where, PLAN).read(chunks[0].cursor))
    assert len(chunks) > 1
    assert [c.bodies for c in rest] == [c.bodies for c in chunks[1:]]


def test_mistakes_are_told(database: Store, server: Store, tmp_path: Path) -> None:
    for where in (database.where, server.where):
        with pytest.raises(CannotImport, match="there is 'Default', 'churn', 'credit'"):
            open_store(where, PLAN, experiments=["kredit"])
    with pytest.raises(CannotImport, match="holds no MLflow experiment"):
        open_store(str(tmp_path), PLAN)
    with pytest.raises(CannotImport, match=r"127\.0\.0\.1:1"):
        open_store("http://127.0.0.1:1", PLAN)
    with pytest.raises(CannotImport, match="404"):
        open_store(f"{server.where}/nothing", PLAN)
