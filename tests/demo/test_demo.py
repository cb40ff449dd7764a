"""The demo's parts, without a service: the data is real, the trainings are, and so is the committed history."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from app.demo import history, tables
from app.demo.models import FAMILIES, random_configurations
from app.demo.question import SMALL_SPACE, as_curl, in_words, question, ranking
from app.demo.space import HELD_OUT, METRIC, N_FOLDS, SEARCH_SPACE, Json
from app.demo.story import _expected_best
from app.demo.training import inputs_of, train
from app.space.parse import parse_search_space
from app.types import RecommendRequest, Run


@pytest.fixture(scope="module")
def runs() -> list[Json]:
    return history.committed()


@pytest.mark.parametrize("name", tables.names())
def test_a_task_is_whole(name: str) -> None:
    task = tables.load(name)
    assert len(task.X) == len(task.y) == task.table.num_rows <= tables.MAX_ROWS
    assert np.isfinite(task.X).all()
    assert Counter(task.y.tolist()).most_common()[-1][1] >= N_FOLDS
    assert not any(np.array_equal(column, task.y) for column in task.X.T)
    assert tables.meta_features(task)["n_rows"] == len(task.y)


def test_every_family_can_be_trained() -> None:
    task = tables.load("iris")
    drawn = [found for found in random_configurations(64, seed=5) if found.get("n_neighbors", 1) < 100]  # of 150 rows
    one_of_each: dict[str, Any] = {found["family"]: found for found in drawn}
    assert one_of_each.keys() == FAMILIES.keys()
    for configuration in one_of_each.values():
        outcome = train(task, configuration)
        assert outcome["state"] == "completed", configuration
        assert 0.2 < outcome["metrics"][METRIC] <= 1.0
        assert outcome["resources"]["duration_seconds"] > 0
        assert outcome["resources"]["peak_memory_bytes"] > 10**7


def test_a_training_repeats() -> None:
    task = tables.load("iris")
    configuration = {"family": "extra_trees", "n_estimators": 10, "max_features": 0.5, "min_samples_leaf": 2}
    assert train(task, configuration)["metrics"] == train(task, configuration)["metrics"]


def test_what_cannot_be_trained_is_a_failed_run() -> None:
    configuration = {"family": "knn", "n_neighbors": 200, "weights": "uniform"}
    outcome = train(tables.load("iris"), configuration)
    assert outcome["state"] == "failed"
    assert "n_neighbors" in outcome["tags"]["error"]
    Run.model_validate({"dataset": "iris", **inputs_of(configuration), **outcome})


def test_a_prefixed_parameter_goes_where_it_belongs() -> None:
    inputs = inputs_of({"family": "mlp", "alpha": 0.1, "architecture.width": 8})
    assert inputs["hyperparameters"] == {"family": "mlp", "alpha": 0.1}
    assert inputs["architecture"] == {"width": 8}


def test_the_history_is_small_and_broad(runs: list[Json]) -> None:
    assert len(files("app.demo").joinpath("history.ndjson.gz").read_bytes()) < 300_000
    per_dataset = Counter(run["dataset"]["name"] for run in runs)
    assert set(per_dataset) == set(tables.names())
    assert len(per_dataset) >= 8
    assert min(per_dataset.values()) >= 20
    assert HELD_OUT in per_dataset
    assert len({run["run_id"] for run in runs}) == len(runs)
    assert {run["hyperparameters"]["family"] for run in runs} == FAMILIES.keys()


def test_the_history_is_runs(runs: list[Json]) -> None:
    for run in runs:
        Run.model_validate_json(json.dumps(run))


@pytest.mark.parametrize("family", ["knn", "logistic_regression", "svm"])
def test_the_history_really_happened(runs: list[Json], family: str) -> None:
    """The same training today ends as recorded, but for what another machine's arithmetic may change."""
    recorded = next(
        run for run in runs if run["hyperparameters"]["family"] == family and run["dataset"]["name"] == "wine"
    )
    today = train(tables.load("wine"), recorded["hyperparameters"])
    assert today["metrics"][METRIC] == pytest.approx(recorded["metrics"][METRIC], abs=0.02)


def test_the_history_reads_as_it_was_written(runs: list[Json], tmp_path: Any) -> None:
    first, second = tmp_path / "first.gz", tmp_path / "second.gz"
    history.write(runs, first)
    history.write(runs, second)
    assert first.read_bytes() == second.read_bytes()
    assert history.read(first.read_bytes()) == runs


@pytest.mark.parametrize("space", [SEARCH_SPACE, SMALL_SPACE])
def test_the_question_to_paste_is_the_question(space: Json) -> None:
    asked = question("demo", HELD_OUT, top_k=3, space=space)
    parse_search_space(space)
    command = shlex.split(as_curl("http://127.0.0.1:8000", asked))
    body = command[command.index("-d") + 1]
    assert json.loads(body) == asked
    RecommendRequest.model_validate_json(body)


def test_a_ranking_without_predictions_can_be_shown() -> None:
    unknown = {
        "rank": 1,
        "configuration": {"family": "svm", "C": 1.0},
        "predicted": None,
        "probability_of_failure": None,
    }
    assert ranking({"configurations": [unknown]}, "title").row_count == 1
    assert in_words(unknown["configuration"]) == "svm (C 1)"


def test_the_best_of_some_random_ones() -> None:
    scores = [0.9, 0.7, 0.2]
    assert _expected_best(scores, 1) == pytest.approx(0.6)
    assert _expected_best(scores, 2) == pytest.approx((0.9 + 0.9 + 0.7) / 3)
    assert _expected_best(scores, 5) == pytest.approx(0.9)
