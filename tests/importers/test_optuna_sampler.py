from __future__ import annotations

import logging
import pickle
from typing import Any

import httpx
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState

from app.importers.optuna import open_storage
from app.importers.post import post
from app.importers.rules import Plan
from forerun_client.optuna import ForerunSampler
from tests.importers.conftest import stored

PROJECT = "tabular"
SPACE = {
    "parameters": {
        "booster": ["tree", "linear"],
        "rate": {"type": "float", "low": 1e-3, "high": 1.0, "log": True},
        "depth": {"type": "int", "low": 1, "high": 9, "when": {"booster": ["tree"]}},
    }
}


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.disable_default_handler()


def sampler(service: httpx.Client, **more: Any) -> ForerunSampler:
    return ForerunSampler(str(service.base_url), PROJECT, "adult", **more)


def conditional(trial: optuna.Trial) -> float:
    booster = trial.suggest_categorical("booster", ["tree", "linear"])
    rate = trial.suggest_float("rate", 1e-3, 1, log=True)
    depth = trial.suggest_int("depth", 1, 9) if booster == "tree" else 0
    return abs(rate - 0.1) + 0.01 * depth


def test_every_trial_becomes_a_run_that_the_next_answer_rests_on(service: httpx.Client) -> None:
    study = optuna.create_study(sampler=sampler(service))
    study.optimize(conditional, n_trials=8)
    runs = stored(service)
    assert len(runs) == 8
    for trial in study.trials:
        run = next(run for key, run in runs.items() if key.startswith(f"{study.study_name}-{trial.number}-"))
        assert run["hyperparameters"] == trial.params
        assert run["metrics"] == {"objective": trial.value}
        assert run["dataset"]["name"] == "adult"
        assert run["resources"]["duration_seconds"] >= 0
    assert {trial.params["booster"] for trial in study.trials} == {"tree", "linear"}


def test_what_is_said_of_the_space_is_asked_for_at_once(service: httpx.Client) -> None:
    """One answer a trial, conditional parameters included; without the space the branch costs another."""
    asked: list[dict[str, Any]] = []
    told = sampler(service, search_space=SPACE)
    told._client.event_hooks["response"].append(lambda response: asked.append(response.request.url.path))
    study = optuna.create_study(sampler=told)
    study.optimize(conditional, n_trials=4)
    assert asked.count("/v1/recommend") == 4


def test_it_is_warm_from_the_history(service: httpx.Client) -> None:
    """Runs of the dataset that someone else posted decide the first trial."""
    runs = [
        {
            "project": PROJECT,
            "run_id": f"other-{i}",
            "dataset": "adult",
            "state": "completed",
            "hyperparameters": {"booster": "linear", "rate": 10 ** (-3 + 3 * i / 11)},
            "metrics": {"loss": abs(10 ** (-3 + 3 * i / 11) - 0.1)},
        }
        for i in range(12)
    ]
    assert service.post("/v1/runs/batch", json={"runs": runs}).json()["created"] == 12
    study = optuna.create_study(sampler=sampler(service, metrics=["loss"], search_space=SPACE, strategy="best"))
    study.optimize(conditional, n_trials=1)
    assert 0.03 < study.trials[0].params["rate"] < 0.3


def test_trials_of_every_end_are_told(service: httpx.Client) -> None:
    def objective(trial: optuna.Trial) -> float:
        trial.suggest_float("rate", 0, 1)
        trial.set_user_attr("host", "node7")
        for step in range(3):
            trial.report(0.5 + step, step)
        if trial.number == 1:
            raise optuna.TrialPruned
        if trial.number == 2:
            raise ZeroDivisionError
        return float("inf") if trial.number == 3 else 1.0

    study = optuna.create_study(sampler=sampler(service))
    study.optimize(objective, n_trials=4, catch=[ZeroDivisionError])
    runs = sorted(stored(service).values(), key=lambda run: run["run_id"])
    assert [run["state"] for run in runs] == ["completed", "stopped", "failed", "failed"]
    assert all(run["learning_curve"][2] == {"step": 2.0, "metrics": {"objective": 2.5}} for run in runs)
    assert all(run["tags"]["host"] == "node7" for run in runs)
    assert runs[1]["metrics"] == {"objective": 2.5}


def test_several_objectives(service: httpx.Client) -> None:
    study = optuna.create_study(
        directions=["maximize", "minimize"], sampler=sampler(service, metrics=["accuracy", "seconds"])
    )
    study.optimize(lambda trial: (trial.suggest_float("rate", 0, 1), trial.suggest_int("n", 1, 9)), n_trials=6)
    assert all(run["metrics"].keys() == {"accuracy", "seconds"} for run in stored(service).values())
    assert len(stored(service)) == 6


def test_trials_at_the_same_time_are_told_as_pending(service: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = sampler(service)
    questions: list[dict[str, Any]] = []
    asked = asking._ask

    def spied(path: str, body: dict[str, Any]) -> Any:
        questions.append(body)
        return asked(path, body)

    monkeypatch.setattr(asking, "_ask", spied)
    study = optuna.create_study(sampler=asking)
    study.optimize(lambda trial: trial.suggest_float("rate", 0, 1), n_trials=2)
    first, second = study.ask(), study.ask()
    values = [trial.suggest_float("rate", 0, 1) for trial in (first, second)]
    assert values[0] != values[1]
    pending = [question["pending"] for question in questions if "pending" in question]
    assert pending[-1] == [{"rate": pytest.approx(values[0])}]


def test_many_jobs(service: httpx.Client) -> None:
    study = optuna.create_study(sampler=sampler(service))
    study.optimize(conditional, n_trials=12, n_jobs=4)
    assert len(stored(service)) == 12
    assert all(trial.state is TrialState.COMPLETE for trial in study.trials)
    configurations = [tuple(sorted(trial.params.items())) for trial in study.trials]
    assert len(set(configurations)) == 12


def test_choices_of_every_kind_come_back_as_they_are(service: httpx.Client) -> None:
    choices = [None, True, 3, 2.5, "x", (64, 32)]
    study = optuna.create_study(sampler=sampler(service))

    def objective(trial: optuna.Trial) -> float:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("optuna.distributions.optuna_warn", lambda *_: None)  # of the tuple, which it keeps as it is
            chosen = trial.suggest_categorical("choice", choices)
        assert any(chosen is choice for choice in choices)
        return float(choices.index(chosen))

    study.optimize(objective, n_trials=6)
    assert {repr(trial.params["choice"]) for trial in study.trials} == {repr(choice) for choice in choices}
    assert study.best_value == 0


def test_steps_and_logarithms_are_kept(service: httpx.Client) -> None:
    def objective(trial: optuna.Trial) -> float:
        trial.suggest_float("dropout", 0, 0.9, step=0.3)
        trial.suggest_int("layers", 2, 8, step=3)
        trial.suggest_int("width", 4, 512, log=True)
        trial.suggest_float("fixed", 1, 1)
        return trial.number

    study = optuna.create_study(sampler=sampler(service))
    study.optimize(objective, n_trials=6)
    assert all(trial.params["layers"] in (2, 5, 8) for trial in study.trials)
    assert all(isinstance(trial.params["dropout"], float) for trial in study.trials)


def test_a_service_that_is_away_does_not_end_a_study(service: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    asking = sampler(service)
    own = asking._client
    asking._client = httpx.Client(base_url="http://127.0.0.1:1")
    study = optuna.create_study(sampler=asking)
    with caplog.at_level(logging.WARNING, "forerun_client.optuna"):
        study.optimize(conditional, n_trials=3)
    assert len(study.trials) == 3
    assert "forerun cannot be asked" in caplog.text
    assert stored(service) == {}
    asking._client = own
    study.optimize(conditional, n_trials=1)
    assert len(stored(service)) == 4


def test_trials_from_before_are_posted_once(service: httpx.Client) -> None:
    study = optuna.create_study()
    study.optimize(conditional, n_trials=3)
    study.add_trial(
        optuna.create_trial(
            params={"booster": "linear", "rate": 0.2},
            distributions={
                "booster": CategoricalDistribution(["tree", "linear"]),
                "rate": FloatDistribution(1e-3, 1, log=True),
            },
            value=0.1,
        )
    )
    study.sampler = sampler(service)
    study.optimize(conditional, n_trials=2)
    assert len(stored(service)) == 6


def test_its_runs_have_the_names_that_an_import_gives_them(service: httpx.Client, tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/optuna.db"
    study = optuna.create_study(storage=url, study_name="both", sampler=sampler(service))
    study.optimize(conditional, n_trials=2)
    tally = post(service, open_storage(url, Plan(PROJECT)).read(None), lambda cursor, tally: None)
    assert (tally.created, tally.conflicts) == (0, 2)


def test_a_sampler_can_be_kept(service: httpx.Client) -> None:
    kept = pickle.loads(pickle.dumps(sampler(service)))
    study = optuna.create_study(sampler=kept)
    study.optimize(conditional, n_trials=2)
    assert len(stored(service)) == 2
