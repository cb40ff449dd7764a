"""The answers that sum up: projects at a glance, outcomes, recommendations, what is alike."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from app.learn.train import Trained
from app.store import meta_learners, projects, recommendations
from tests.histories import SPACE

PROJECT = "p"


async def made(client: httpx.AsyncClient, path: str, body: Any, method: str = "POST") -> Any:
    answer = await client.request(method, path, json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def got(client: httpx.AsyncClient, path: str, **query: Any) -> Any:
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def a_run(number: int, **more: Any) -> dict[str, Any]:
    known = {"project": PROJECT, "run_id": f"r{number}", "dataset": {"name": f"d{number % 3}"}, "state": "completed"}
    return {**known, "hyperparameters": {"rate": 0.1}, "metrics": {"accuracy": 0.5}, **more}


async def learned(app: FastAPI, trained: Trained) -> UUID:
    async with app.state.database.transaction() as connection:
        await projects.ensure(connection, [PROJECT])
        owner = await projects.get(connection, PROJECT)
        champion = await meta_learners.insert_next(
            connection, owner.id, trained.content, n_runs=trained.n_runs, n_datasets=trained.n_datasets,
            format_version=1, report=trained.report, verdict={"promoted": True, "reason": "", "figures": {}},
        )  # fmt: skip
        await meta_learners.promote(connection, champion)
    return champion


# ---------------------------------------------------------------- overview


async def test_an_overview_of_nothing_is_empty(client: httpx.AsyncClient) -> None:
    assert await got(client, "/v1/overview") == {"projects": [], "next_cursor": None}
    assert await got(client, "/v1/overview", project="nothing") == {"projects": [], "next_cursor": None}


async def test_an_overview_counts_what_came_in(client: httpx.AsyncClient) -> None:
    await made(client, "/v1/runs/batch", {"runs": [a_run(n) for n in range(7)]})
    await made(client, "/v1/runs", a_run(1, project="q"))
    (glance,) = (await got(client, "/v1/overview", project=PROJECT))["projects"]
    assert (glance["n_runs"], glance["n_datasets"]) == (7, 3)
    counts = glance["runs_per_hour"]["counts"]
    assert len(counts) == 24
    assert sum(counts) == sum(counts[-2:]) == 7  # the hour may have turned meanwhile
    assert datetime.fromisoformat(glance["runs_per_hour"]["since"]).minute == 0
    assert glance["last_run_at"] is not None
    assert glance["champion"] is None
    assert glance["refit"] is None


async def test_an_overview_is_read_page_by_page(client: httpx.AsyncClient) -> None:
    for name in "cab":
        await made(client, f"/v1/projects/{name}", {}, "PUT")
    first = await got(client, "/v1/overview", limit=2)
    assert ([one["project"] for one in first["projects"]], first["next_cursor"]) == (["a", "b"], "b")
    rest = await got(client, "/v1/overview", limit=2, cursor="b")
    assert ([one["project"] for one in rest["projects"]], rest["next_cursor"]) == (["c"], None)


async def test_an_overview_tells_of_champion_and_refit(
    client: httpx.AsyncClient, app: FastAPI, trained: Trained
) -> None:
    champion = await learned(app, trained)
    await made(client, "/v1/refits", {"project": PROJECT})
    (glance,) = (await got(client, "/v1/overview"))["projects"]
    assert (glance["champion"]["id"], glance["champion"]["version"]) == (str(champion), 1)
    assert glance["champion"]["damaged"] is False
    report = trained.report["targets"]
    assert glance["champion"]["quality"].keys() == report.keys()
    for name, quality in glance["champion"]["quality"].items():
        assert quality == {key: report[name][key] for key in quality}
        assert "by_dataset" not in quality
    assert glance["refit"]["state"] == "queued"
    app.state.bundles.damaged.add(champion)
    (glance,) = (await got(client, "/v1/overview"))["projects"]
    assert glance["champion"]["damaged"] is True


async def test_lists_of_meta_learners_tell_their_quality(
    client: httpx.AsyncClient, app: FastAPI, trained: Trained
) -> None:
    champion = await learned(app, trained)
    (listed,) = (await got(client, "/v1/meta-learners", project=PROJECT))["meta_learners"]
    detail = await got(client, f"/v1/meta-learners/{champion}")
    assert listed["quality"] == detail["quality"]
    assert listed["quality"]["accuracy"]["coverage"] == trained.report["targets"]["accuracy"]["coverage"]


# ---------------------------------------------------------------- recommendations and outcomes


def question(dataset: str, **more: Any) -> dict[str, Any]:
    objectives = [{"metric": "accuracy", "direction": "maximize"}]
    return {"project": PROJECT, "dataset": dataset, "objectives": objectives, "search_space": SPACE, "top_k": 2, **more}


async def followed(client: httpx.AsyncClient, dataset: str, number: int) -> str:
    answer = await made(client, "/v1/recommend", question(dataset))
    trained = {"hyperparameters": answer["configurations"][1]["configuration"], "dataset": dataset}
    named = {"recommendation_id": answer["recommendation_id"], "metrics": {"accuracy": 0.6}}
    await made(client, "/v1/runs", a_run(number, **trained, **named))
    return str(answer["recommendation_id"])


async def test_recommendations_are_listed(client: httpx.AsyncClient, app: FastAPI, trained: Trained) -> None:
    champion = await learned(app, trained)
    asked = [await made(client, "/v1/recommend", question(name)) for name in ("a", "b", "a")]
    ids = [answer["recommendation_id"] for answer in reversed(asked)]
    page = await got(client, "/v1/recommendations", project=PROJECT, limit=2)
    assert [one["recommendation_id"] for one in page["recommendations"]] == ids[:2]
    rest = await got(client, "/v1/recommendations", project=PROJECT, limit=2, cursor=page["next_cursor"])
    assert [one["recommendation_id"] for one in rest["recommendations"]] == ids[2:]
    assert rest["next_cursor"] is None
    assert {key: rest["recommendations"][0][key] for key in ("dataset", "basis", "meta_learner_id")} == {
        "dataset": "a", "basis": "zero_shot", "meta_learner_id": str(champion),
    }  # fmt: skip
    of_b = await got(client, "/v1/recommendations", project=PROJECT, dataset="b")
    assert [(one["dataset"], one["n_configurations"]) for one in of_b["recommendations"]] == [("b", 2)]


async def test_outcomes_are_predicted_beside_realised(
    client: httpx.AsyncClient, app: FastAPI, trained: Trained
) -> None:
    await learned(app, trained)
    await made(client, "/v1/recommend", question("a"))  # nobody follows this one
    older, newer = await followed(client, "a", 1), await followed(client, "b", 2)
    page = await got(client, "/v1/outcomes", project=PROJECT)
    assert [(one["recommendation_id"], one["run_id"]) for one in page["outcomes"]] == [(newer, "r2"), (older, "r1")]
    assert page["next_cursor"] is None
    outcome = page["outcomes"][0]
    assert (outcome["dataset"], outcome["rank"], outcome["basis"]) == ("b", 2, "zero_shot")
    assert outcome["realised"] == {"accuracy": 0.6}
    record = await got(client, f"/v1/recommendations/{newer}")
    assert outcome["predicted"] == record["configurations"][1]["predicted"]
    of_a = await got(client, "/v1/outcomes", project=PROJECT, dataset="a")
    assert [one["run_id"] for one in of_a["outcomes"]] == ["r1"]


async def test_outcomes_are_read_page_by_page(
    client: httpx.AsyncClient, app: FastAPI, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where most recommendations were never followed: a page may be empty, and not be the last."""
    await learned(app, trained)
    await followed(client, "a", 1)
    for _ in range(3):
        await made(client, "/v1/recommend", question("a"))
    await followed(client, "a", 2)
    monkeypatch.setattr(recommendations, "WINDOW", 2)
    seen, cursor, n_pages = [], {}, 0
    while True:
        page = await got(client, "/v1/outcomes", project=PROJECT, limit=1, **cursor)
        seen += [one["run_id"] for one in page["outcomes"]]
        n_pages += 1
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == ["r2", "r1"]
    assert n_pages > 2


async def test_a_what_if_is_not_stored(client: httpx.AsyncClient) -> None:
    answer = await made(client, "/v1/recommend", question("a", store=False))
    assert answer["recommendation_id"] is None
    assert not [warning for warning in answer["warnings"] if "stored" in warning]
    assert (await client.get("/v1/recommendations", params={"project": PROJECT})).status_code == 404
    kept = await made(client, "/v1/recommend", question("a"))
    assert kept["configurations"] == answer["configurations"]
    assert kept["recommendation_id"] is not None


# ---------------------------------------------------------------- similar datasets, and runs without curves


async def test_similar_datasets(client: httpx.AsyncClient) -> None:
    for name, rows in (("small", 100), ("alike", 110), ("large", 100_000)):
        await made(client, f"/v1/datasets/{name}?project={PROJECT}", {"meta_features": {"n_rows": rows}}, "PUT")
    await made(client, f"/v1/datasets/unknown?project={PROJECT}", {"meta_features": {}}, "PUT")
    answer = await got(client, "/v1/similar-datasets", project=PROJECT, dataset="small")
    assert [one["dataset"] for one in answer["similar"]] == ["alike", "large"]
    assert answer["similar"][0]["n_shared_meta_features"] == 1
    assert len((await got(client, "/v1/similar-datasets", project=PROJECT, dataset="small", limit=1))["similar"]) == 1
    missing = await client.get("/v1/similar-datasets", params={"project": PROJECT, "dataset": "nothing"})
    assert missing.status_code == 404


async def test_runs_are_listed_without_their_curves(client: httpx.AsyncClient) -> None:
    curve = [{"step": 1.0, "metrics": {"accuracy": 0.1}}]
    await made(client, "/v1/runs", a_run(1, learning_curve=curve))
    for given, expected in (({}, curve), ({"curves": "true"}, curve), ({"curves": "false"}, [])):
        (run,) = (await got(client, "/v1/runs", project=PROJECT, **given))["runs"]
        assert run["learning_curve"] == expected
