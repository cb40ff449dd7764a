"""The product's one story, on a real server with real trainings: what is posted comes back as better advice."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator
from io import StringIO

import httpx
import pytest
from rich.console import Console

from app.demo import client as api
from app.demo import history, story, tables
from app.demo.question import question
from app.demo.space import HELD_OUT, METRIC, OBJECTIVE
from app.demo.training import run_of
from tests.acceptance.service import Service, service

PROJECT = "story"
NEW = "iris"
RUNS_PER_DATASET = 15


@pytest.fixture(scope="module")
def server() -> Iterator[Service]:
    with service(COLUMNS="200") as made:
        made.start("run")
        yield made


@pytest.fixture(scope="module")
def client(server: Service) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


def test_a_newcomer_sees_a_first_ranking_and_can_paste_the_question(server: Service, client: httpx.Client) -> None:
    said = eventually_said(server, "json.tool")
    assert f"What to train on {HELD_OUT}, of which the history has no run (zero_shot)" in said
    command = shlex.split(said[said.index("curl ") :])
    assert command[2] == f"{server.url}/v1/recommend"
    answer = client.post("/v1/recommend", json=json.loads(command[command.index("-d") + 1])).json()
    assert answer["basis"] == "zero_shot"
    assert [ranked["rank"] for ranked in answer["configurations"]] == [1, 2, 3]


def eventually_said(server: Service, last: str) -> str:
    deadline = time.monotonic() + 600
    while last not in (said := server.log.read_text()):
        assert time.monotonic() < deadline, said
        time.sleep(0.1)
    return said


def past_runs() -> list[api.Json]:
    """A part of the recorded trainings, with none on the new data set."""
    by_dataset: dict[str, list[api.Json]] = {}
    for run in history.committed():
        by_dataset.setdefault(run["dataset"]["name"], []).append(run)
    return [run for name, runs in by_dataset.items() if name != NEW for run in runs[:RUNS_PER_DATASET]]


def test_a_run_posted_is_advice_sharpened(client: httpx.Client) -> None:
    # A cluster posts what it trained; posting it again changes nothing.
    runs = past_runs()
    api.declare(client, PROJECT, [OBJECTIVE])
    assert api.post_runs(client, PROJECT, runs)["created"] == len(runs)
    assert api.post_runs(client, PROJECT, runs)["duplicates"] == len(runs)

    # Before anything is learned there is an answer already, and it says what it is worth.
    task = tables.load(NEW)
    dataset = {"name": NEW, "meta_features": tables.meta_features(task)}
    ask = question(PROJECT, dataset, top_k=3)
    assert api.recommend(client, ask)["basis"] == "cold_start"

    # The worker learns from the history.
    refit = api.refit(client, PROJECT, lambda _: None)
    assert refit["state"] == "succeeded"
    assert refit["verdict"]["promoted"]

    # A data set that nobody trained on: what should be trained, and how will it end?
    answer = api.recommend(client, ask)
    assert answer["basis"] == "zero_shot"
    assert answer["meta_learner"]["id"] == refit["meta_learner_id"]
    assert answer["meta_learner"]["n_datasets"] == len(tables.names()) - 1
    winner = answer["configurations"][0]
    predicted = winner["predicted"][METRIC]
    assert predicted["lower"] <= predicted["mean"] <= predicted["upper"]

    # It is trained for real, and the outcome is posted with the recommendation that it followed.
    run = run_of(task, winner["configuration"], "followed")
    assert run["state"] == "completed"
    posted = api.post_run(client, PROJECT, {**run, "recommendation_id": answer["recommendation_id"]})
    assert posted["status"] == "created"

    # Predicted against realised is on record.
    record = api.recommendation(client, answer["recommendation_id"])
    (followed,) = record["runs"]
    assert followed["id"] == posted["id"]
    assert followed["rank"] == 1
    assert followed["predicted"][METRIC] == predicted
    assert followed["realised"][METRIC] == run["metrics"][METRIC]

    # The next answer knows that run, without a refit, and does not propose it again.
    sharper = api.recommend(client, ask)
    assert sharper["basis"] == "few_shot"
    assert sharper["n_own_runs"] == 1
    assert winner["configuration"] not in [ranked["configuration"] for ranked in sharper["configurations"]]


def test_the_same_question_has_the_same_answer(client: httpx.Client) -> None:
    ask = question(PROJECT, NEW, top_k=5)
    first, second = api.recommend(client, ask), api.recommend(client, ask)
    assert first.pop("recommendation_id") != second.pop("recommendation_id")
    assert first == second


def test_the_pages_need_nobody_else(client: httpx.Client) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    assert "https://" not in page.text
    assert client.get("/openapi.json").json()["openapi"].startswith("3.1")


def test_the_demo_tells_predicted_against_realised(server: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo in small: three data sets, a few trainings."""
    runs = past_runs()
    monkeypatch.setattr(history, "committed", lambda: runs)
    monkeypatch.setattr(tables, "names", lambda: [NEW, "wine", "tips_lunch_or_dinner"])
    for constant, value in {"FRESH_PER_TABLE": 2, "ROUNDS": 2, "RANDOM_RIVALS": 4}.items():
        monkeypatch.setattr(story, constant, value)
    console = Console(file=StringIO(), width=200)
    story.tell(api.Service(server.url), NEW, console)
    told = console.file.getvalue()
    assert f"1. Posted {len(runs)} recorded trainings, none of them on {NEW}." in told
    assert "2. Trained and posted 4 random configurations" in told
    assert "4. What to train on iris (zero_shot)" in told
    assert "predicted" in told
    assert "realised" in told
    assert "2 few_shot" in told
    assert "The best of 2:" in told
