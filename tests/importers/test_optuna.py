from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any

import httpx
import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from app.importers.optuna import STAGES, open_storage
from app.importers.post import Tally
from app.importers.rules import Plan, Rules
from app.importers.source import CannotImport, Source
from app.space import parse_search_space

PLAN = Plan("hpo")
Import = Callable[..., Any]


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.disable_default_handler()


def objective(trial: optuna.Trial) -> float:
    booster = trial.suggest_categorical("booster", ["gbtree", "gblinear", None, 3])
    rate = trial.suggest_float("learning_rate", 1e-4, 1, log=True)
    if booster == "gbtree":
        trial.suggest_int("max_depth", 1, 15, step=2)
        trial.suggest_float("subsample", 0.5, 1, step=0.25)
    trial.set_user_attr("host", "node7")
    trial.set_user_attr("seconds", 12.5)
    for step in range(1, 4):
        trial.report(rate * step, step)
    if trial.number % 7 == 3:
        raise optuna.TrialPruned
    if trial.number % 7 == 4:
        raise ZeroDivisionError
    return math.inf if trial.number % 7 == 5 else rate


def make_study(url: str, name: str = "boosting", n: int = 14) -> optuna.Study:
    study = optuna.create_study(storage=url, study_name=name, sampler=optuna.samplers.RandomSampler(seed=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study.set_metric_names(["log_loss"])
    study.set_user_attr("team", "risk")
    study.optimize(objective, n_trials=n, catch=[ZeroDivisionError])
    study.enqueue_trial({"learning_rate": 0.5})
    study.ask()  # takes what waited, and runs
    study.enqueue_trial({"learning_rate": 0.1})
    return study


@pytest.fixture(params=["sqlite", "postgresql"])
def storage_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/optuna.db"
    url: str = request.getfixturevalue("empty_database_url")
    return url.replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def imported(imported: Import) -> Import:
    """With the runs by study and number; the rest of their ids is the time that they began."""

    def send(source: Source, *, refresh: bool = False) -> tuple[Tally, dict[str, Any]]:
        tally, runs = imported(source, refresh=refresh)
        return tally, {run_id.rpartition("-")[0]: run for run_id, run in runs.items()}

    return send


def said(trial: FrozenTrial) -> dict[str, Any]:
    """A run, from what the library's own objects say of a trial."""
    state = STAGES[trial.state.name]
    finite = trial.value is not None and math.isfinite(trial.value)
    return {
        "state": "failed" if state == "completed" and not finite else state,
        "hyperparameters": trial.params,
        "metrics": {"log_loss": trial.value} if finite else {},
        "learning_curve": [{"step": s, "metrics": {"log_loss": v}} for s, v in trial.intermediate_values.items()],
        "tags": {"team": "risk", "optuna_study": "boosting", **{k: str(v) for k, v in trial.user_attrs.items()}},
    }


def test_runs_are_what_the_library_says_of_its_trials(storage_url: str, imported: Import) -> None:
    study = make_study(storage_url)
    source = open_storage(storage_url, PLAN)
    assert source.total == len(study.trials) == 16
    tally, runs = imported(source)
    assert (tally.created, tally.rejected) == (14, 0)
    assert tally.left_out == {"still running": 1, "waiting to be trained": 1}
    assert {run["state"] for run in runs.values()} == {"completed", "failed", "stopped"}
    for trial in study.trials[:14]:
        run = runs[f"boosting-{trial.number}"]
        assert {key: run[key] for key in said(trial)} == said(trial)
        assert {name: type(value) for name, value in run["hyperparameters"].items()} == {
            name: type(value) for name, value in trial.params.items()
        }
        assert run["dataset"]["name"] == "boosting"
        assert trial.duration is not None
        assert run["resources"]["duration_seconds"] == pytest.approx(trial.duration.total_seconds(), abs=1e-5)
        assert trial.datetime_start is not None
        assert run["started_at"][:19] == trial.datetime_start.astimezone(UTC).isoformat()[:19]


def test_the_same_history_again_is_known(tmp_path: Path, imported: Import) -> None:
    url = f"sqlite:///{tmp_path}/optuna.db"
    study = make_study(url, n=5)
    first, _ = imported(open_storage(url, PLAN))
    assert first.created == 5
    study.optimize(objective, n_trials=2, catch=[ZeroDivisionError])
    again, runs = imported(open_storage(str(tmp_path / "optuna.db"), PLAN))
    assert (again.created, again.duplicates, again.conflicts) == (2, 5, 0)
    assert len(runs) == 7


def test_running_trials_are_refreshed(tmp_path: Path, imported: Import) -> None:
    url = f"sqlite:///{tmp_path}/optuna.db"
    study = make_study(url, n=1)
    plan = Plan("hpo", running=True)
    tally, runs = imported(open_storage(url, plan))
    assert tally.created == 2
    assert runs["boosting-1"]["state"] == "running"
    study.tell(1, 0.25)
    tally, _ = imported(open_storage(url, plan))
    assert (tally.duplicates, tally.refreshed, tally.conflicts) == (1, 0, 1)
    tally, runs = imported(open_storage(url, plan), refresh=True)
    assert (tally.duplicates, tally.refreshed, tally.conflicts) == (1, 1, 0)
    assert (runs["boosting-1"]["state"], runs["boosting-1"]["metrics"]) == ("completed", {"log_loss": 0.25})


def test_a_history_that_was_changed_is_told(tmp_path: Path, imported: Import, service: httpx.Client) -> None:
    url = f"sqlite:///{tmp_path}/optuna.db"
    make_study(url, n=3)
    imported(open_storage(url, PLAN))
    tally, _ = imported(open_storage(url, PLAN, metrics=["auc"]))
    assert (tally.conflicts, tally.duplicates) == (3, 0)
    assert "boosting-0" in tally.told[0]


def test_it_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.importers.optuna.CHUNK", 4)
    url = f"sqlite:///{tmp_path}/optuna.db"
    make_study(url, n=10)
    chunks = list(open_storage(url, PLAN).read(None))
    assert len(chunks) == 3
    rest = list(open_storage(url, PLAN).read(chunks[0].cursor))
    assert [body["run_id"] for chunk in rest for body in chunk.bodies] == [
        body["run_id"] for chunk in chunks[1:] for body in chunk.bodies
    ]


def test_several_objectives_and_several_studies(tmp_path: Path, imported: Import) -> None:
    url = f"sqlite:///{tmp_path}/optuna.db"
    make_study(url, n=2)
    both = optuna.create_study(storage=url, study_name="pareto", directions=["maximize", "minimize"])
    both.optimize(lambda trial: (trial.suggest_float("x", 0, 1), 2.0), n_trials=3)
    make_study(url, "third", n=1)
    tally, runs = imported(open_storage(url, PLAN))
    assert tally.created == 6
    assert runs["pareto-0"]["metrics"] == {"objective_0": both.trials[0].values[0], "objective_1": 2.0}
    assert runs["third-0"]["dataset"]["name"] == "third"
    named = open_storage(url, PLAN, study="pareto", metrics=["accuracy", "seconds"])
    assert named.total == 3
    assert next(iter(named.read(None))).bodies[0]["metrics"].keys() == {"accuracy", "seconds"}


def test_attributes_go_where_the_rules_say(tmp_path: Path, imported: Import) -> None:
    url = f"sqlite:///{tmp_path}/optuna.db"
    make_study(url, n=1)
    rules = Rules({"dataset": ["team"], "environment": ["host"], "resources": ["sec*"], "fidelity": ["max_depth"]})
    _, runs = imported(open_storage(url, Plan("hpo", rules)))
    run = runs["boosting-0"]
    assert run["dataset"]["name"] == "risk"
    assert run["environment"] == {"host": "node7"}
    assert run["resources"]["seconds"] == 12.5
    (chunk,) = open_storage(url, Plan("other", rules, dataset="adult")).read(None)
    assert [body["dataset"]["name"] for body in chunk.bodies] == ["adult"]


def test_the_space_of_a_study_holds_every_trial(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/optuna.db"
    study = make_study(url)
    search_space = open_storage(url, PLAN).search_space
    assert search_space is not None
    translated = search_space()
    assert set(translated.document()["parameters"]) == {"booster", "learning_rate", "max_depth", "subsample"}
    space = parse_search_space(translated.document())
    complete = [trial.params for trial in study.trials if trial.params.get("booster") == "gbtree"]
    space.encode(complete)  # refuses what lies outside


@pytest.mark.parametrize(
    ("where", "study", "complaint"),
    [
        ("sqlite:///{}/none.db", None, "there is no file"),
        ("{}/optuna.db", "bosting", "there is 'boosting'"),
        ("oracledb://x", None, "no address of a database"),
        ("{}/text.db", None, "not a database"),
        ("postgresql://127.0.0.1:1/x", None, "connection"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, where: str, study: str | None, complaint: str) -> None:
    make_study(f"sqlite:///{tmp_path}/optuna.db", n=1)
    (tmp_path / "text.db").write_text("this is no database at all" * 100)
    with pytest.raises(CannotImport, match=complaint):
        open_storage(where.format(tmp_path), PLAN, study=study)


def test_nothing_is_written_to_the_source(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/optuna.db"
    make_study(url, n=3)
    before = (tmp_path / "optuna.db").read_bytes()
    list(open_storage(url, PLAN).read(None))
    assert (tmp_path / "optuna.db").read_bytes() == before


def test_unfinished_trials_of_every_state_are_known() -> None:
    assert set(STAGES) == {state.name for state in TrialState}
