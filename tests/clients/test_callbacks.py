"""Other libraries' loops: the real scikit-learn, XGBoost, LightGBM and CatBoost.

Keras trains with a backend of 300 MB or more and Lightning with PyTorch, which PyPI has for Linux with CUDA only (over
2 GB): too much for every run of the tests. Here a stand-in has their hooks called with the arguments that they give;
`python -m tests.clients.deep_learning` trains with the real ones, where they are installed.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import catboost
import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.datasets import load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  # scikit-learn's own way in
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC

from app.types import Run as RunAsTheServiceReadsIt
from forerun_client.callbacks import catboost as for_catboost
from forerun_client.callbacks import lightgbm as for_lightgbm
from forerun_client.callbacks import xgboost as for_xgboost
from forerun_client.callbacks.sklearn import runs_of
from tests.clients.test_run import Recorder

X, y = load_iris(return_X_y=True)
BINARY = (y > 0).astype(int)


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder(tmp_path)
    yield recorder
    recorder._client.close()


def curve(begin: Recorder) -> dict[float, dict[str, float]]:
    return {point.step: point.metrics for point in begin.one().learning_curve}


def checked(runs: Any) -> list[RunAsTheServiceReadsIt]:
    return [RunAsTheServiceReadsIt.model_validate(run) for run in runs]


# ---------------------------------------------------------------- scikit-learn


def test_every_candidate_of_a_search_becomes_a_run() -> None:
    space = {"C": [0.1, 1.0, 10.0], "kernel": ["linear", "rbf"]}
    scoring = ["accuracy", "neg_log_loss"]
    search = RandomizedSearchCV(
        SVC(), space, n_iter=4, cv=3, random_state=0, scoring=["accuracy"], refit="accuracy"
    ).fit(X, y)
    runs = checked(runs_of(search, "tabular", "iris", tags={"team": "risk"}))
    assert [run.hyperparameters for run in runs] == [
        {"estimator": "SVC", **parameters} for parameters in search.cv_results_["params"]
    ]
    assert [run.metrics["accuracy"] for run in runs] == list(search.cv_results_["mean_test_accuracy"])
    assert {run.state for run in runs} == {"completed"}
    assert all(run.resources["duration_seconds"] > 0 and run.fidelity == {"n_folds": 3} for run in runs)
    assert runs[0].tags == {"team": "risk"}
    losses = GridSearchCV(
        LogisticRegression(max_iter=2000), {"C": [0.1, 1.0]}, cv=3, scoring=scoring, refit="accuracy"
    ).fit(X, y)
    for run, negative in zip(
        checked(runs_of(losses, "p", "iris")), losses.cv_results_["mean_test_neg_log_loss"], strict=True
    ):
        assert run.metrics["log_loss"] == -negative


def test_a_search_posted_twice_is_stored_once() -> None:
    search = GridSearchCV(SVC(), {"C": [1.0, 2.0]}, cv=2).fit(X, y)
    first, second = (checked(runs_of(search, "tabular", "iris")) for _ in range(2))
    assert first == second
    assert len({run.run_id for run in first}) == 2
    assert {run.run_id for run in checked(runs_of(search, "other", "iris"))}.isdisjoint(run.run_id for run in first)


def test_a_halving_search_tells_its_fidelity_and_a_broken_candidate_failed() -> None:
    search = HalvingGridSearchCV(SVC(), {"C": [0.1, 1.0, 10.0, -1.0]}, cv=2, random_state=0, error_score=np.nan)
    with warnings.catch_warnings(action="ignore"):  # scikit-learn's own, about the candidate that is meant to fail
        search.fit(X, y)
    runs = checked(runs_of(search, "tabular", {"name": "iris", "meta_features": {"n_rows": np.int64(150)}}))
    assert [run.fidelity["n_samples"] for run in runs] == list(search.cv_results_["n_resources"])
    assert {run.state for run in runs if run.hyperparameters["C"] == -1.0} == {"failed"}
    assert {run.state for run in runs if run.hyperparameters["C"] != -1.0} == {"completed"}
    assert {run.metrics.keys() <= {"score"} for run in runs} == {True}


def test_steps_of_a_pipeline_go_by_their_name() -> None:
    pipeline = make_pipeline(StandardScaler(), SVC())
    search = GridSearchCV(pipeline, {"standardscaler": [StandardScaler(), MinMaxScaler()]}, cv=2).fit(X, y)
    runs = checked(runs_of(search, "tabular", "iris"))
    assert [run.hyperparameters["standardscaler"] for run in runs] == ["StandardScaler", "MinMaxScaler"]


# ---------------------------------------------------------------- boosting


def test_xgboost(begin: Recorder) -> None:
    measured: dict[str, Any] = {}
    data = xgboost.DMatrix(X, BINARY)
    with begin() as run:
        xgboost.train(
            {"objective": "binary:logistic", "eval_metric": ["logloss", "error"], "nthread": 1},
            data,
            num_boost_round=5,
            evals=[(data, "validation")],
            evals_result=measured,
            verbose_eval=False,
            callbacks=[for_xgboost.ForerunCallback(run)],
        )
    logged = curve(begin)
    assert sorted(logged) == [1, 2, 3, 4, 5]
    assert [logged[i + 1]["validation_logloss"] for i in range(5)] == measured["validation"]["logloss"]
    assert begin.one().metrics["validation_error"] == measured["validation"]["error"][-1]


def test_lightgbm(begin: Recorder) -> None:
    measured: dict[str, Any] = {}
    data = lightgbm.Dataset(X, BINARY)
    validation = lightgbm.Dataset(X[::2], BINARY[::2], reference=data)
    with begin() as run:
        lightgbm.train(
            {"objective": "binary", "metric": "binary_logloss", "verbose": -1, "num_threads": 1},
            data,
            num_boost_round=50,
            valid_sets=[validation],
            valid_names=["validation"],
            callbacks=[
                for_lightgbm.forerun_callback(run),
                lightgbm.record_evaluation(measured),
                lightgbm.early_stopping(2, min_delta=1.0, verbose=False),
            ],
        )
    recorded = measured["validation"]["binary_logloss"]
    assert [point["validation_binary_logloss"] for point in curve(begin).values()] == recorded
    assert len(recorded) < 50
    assert begin.one().state == "completed"


def test_catboost(begin: Recorder, tmp_path: Path) -> None:
    model = catboost.CatBoostClassifier(
        iterations=5, depth=2, thread_count=1, verbose=False, allow_writing_files=False, train_dir=str(tmp_path)
    )
    with begin() as run:
        model.fit(X, BINARY, eval_set=(X, BINARY), callbacks=[for_catboost.ForerunCallback(run)])
    recorded = model.get_evals_result()["validation"]["Logloss"]
    assert [point["validation_Logloss"] for point in curve(begin).values()] == recorded


# ---------------------------------------------------------------- deep learning


def over(monkeypatch: pytest.MonkeyPatch, name: str, stand_in: ModuleType) -> Any:
    """The callbacks' module, over a stand-in for its library."""
    package, _, _ = stand_in.__name__.partition(".")
    monkeypatch.setitem(sys.modules, package, stand_in)
    monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
    monkeypatch.delitem(sys.modules, f"forerun_client.callbacks.{name}", raising=False)
    return importlib.import_module(f"forerun_client.callbacks.{name}")


def module(name: str, **members: Any) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(members)
    return made


EPOCHS = [{"loss": 0.9, "val_accuracy": 0.5}, {"loss": 0.4, "val_accuracy": np.float32(0.75)}]


def test_keras(begin: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    callback = type("Callback", (), {"__init__": lambda self: None})
    stand_in = module("keras", callbacks=SimpleNamespace(Callback=callback))
    keras = over(monkeypatch, "keras", stand_in)
    with begin() as run:
        made = keras.ForerunCallback(run)
        for epoch, logs in enumerate(EPOCHS):
            made.on_epoch_end(epoch, logs)
    assert curve(begin) == {1: EPOCHS[0], 2: EPOCHS[1]}


def test_lightning(begin: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = module("lightning.pytorch", Callback=type("Callback", (), {}))
    lightning = over(monkeypatch, "lightning", stand_in)
    trainer = SimpleNamespace(sanity_checking=True, current_epoch=0, callback_metrics={"val_accuracy": 0.0})
    with begin() as run:
        made = lightning.ForerunCallback(run)
        made.on_validation_epoch_end(trainer, None)  # Lightning's dry run before the first epoch
        trainer.sanity_checking = False
        for epoch, logs in enumerate(EPOCHS):
            trainer.current_epoch, trainer.callback_metrics = epoch, logs
            made.on_validation_epoch_end(trainer, None)
            made.on_train_epoch_end(trainer, None)
        made.on_exception(trainer, None, KeyboardInterrupt())
    assert curve(begin) == {1: EPOCHS[0], 2: EPOCHS[1]}
    assert begin.one().state == "stopped"
