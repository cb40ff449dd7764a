"""Recommendations over HTTP: the answer has the contract's shape, its limits hold, and it is on record.

What is recommended, and how good it is, is tested where it is decided.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI

from app import telemetry
from app.api import dependencies, examples
from app.api import recommend as recommend_door
from app.api.schemas import Recommendation, RecommendationRecord
from app.errors import Unavailable

Client = httpx.AsyncClient

SPACE = {"parameters": {"depth": {"type": "int", "low": 1, "high": 4}, "family": ["tree", "forest"]}}
REQUEST: dict[str, Any] = {
    "dataset": "adult",
    "objectives": [{"metric": "accuracy", "direction": "maximize"}],
    "search_space": SPACE,
    "top_k": 3,
}


@pytest.mark.parametrize("name", examples.RECOMMEND_REQUESTS)
async def test_every_example_is_answered_in_the_shape_that_is_documented(client: Client, name: str) -> None:
    body = examples.RECOMMEND_REQUESTS[name]["value"]
    answer = await client.post("/v1/recommend", json=body)
    assert answer.status_code == 200, answer.text
    made = Recommendation.model_validate_json(answer.content, extra="forbid")
    assert (made.project, made.basis) == ("demo", "cold_start")
    assert len(made.configurations) <= body.get("top_k", 10)
    assert [ranked.rank for ranked in made.configurations] == list(range(1, len(made.configurations) + 1))


async def test_a_finite_space_is_counted(client: Client) -> None:
    search = (await client.post("/v1/recommend", json=REQUEST)).json()["search"]
    assert search["space_size"] == 8


async def test_an_answer_is_on_record_with_the_runs_that_followed_it(client: Client) -> None:
    answer = (await client.post("/v1/recommend", json=REQUEST)).json()
    url = f"/v1/recommendations/{answer['recommendation_id']}"
    record = RecommendationRecord.model_validate_json((await client.get(url)).content, extra="forbid")
    assert record.runs == []
    second = answer["configurations"][1]
    run = {
        "dataset": "adult",
        "state": "completed",
        "hyperparameters": second["configuration"],
        "metrics": {"accuracy": 0.8},
        "recommendation_id": answer["recommendation_id"],
    }
    posted = (await client.post("/v1/runs", json=run)).json()
    record = RecommendationRecord.model_validate_json((await client.get(url)).content, extra="forbid")
    (followed,) = record.runs
    assert (str(followed.id), followed.rank, followed.realised) == (posted["id"], 2, {"accuracy": 0.8})


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"top_k": 0}, "invalid_request", "/top_k"),
        ({"seed": True}, "invalid_request", "/seed"),
        ({"objectives": []}, "invalid_request", "/objectives"),
        ({"search_space": {"parameters": {}}}, "invalid_search_space", "/search_space/parameters"),
        (
            {"search_space": {"parameters": {"x": {"type": "float", "low": 1, "high": 0}}}},
            "invalid_search_space",
            "/search_space/parameters/x",
        ),
        ({"search_spaec": {}}, "invalid_request", "/search_spaec"),
    ],
)
async def test_what_is_wrong_is_pointed_at(client: Client, change: dict[str, Any], code: str, pointer: str) -> None:
    answer = await client.post("/v1/recommend", json=REQUEST | change)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)


async def test_too_many_at_a_time_are_refused_and_told_when_to_return(
    client: Client, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One works, one waits, the third is refused at once; nobody is when it is quiet again."""
    working, finish = asyncio.Event(), asyncio.Event()

    async def slow(*_: object) -> dict[str, Any]:
        working.set()
        await finish.wait()
        return {}

    monkeypatch.setattr(recommend_door, "recommend_configurations", slow)
    app.state.recommend_gate = dependencies.Gate(slots=1, queue=1)
    refused = telemetry.REGISTRY.get_sample_value("forerun_recommend_refused_total") or 0
    first, second = [asyncio.create_task(client.post("/v1/recommend", json=REQUEST)) for _ in range(2)]
    await working.wait()
    third = await client.post("/v1/recommend", json=REQUEST)
    assert (third.status_code, third.json()["code"]) == (503, "unavailable")
    assert third.headers["retry-after"] == "1"
    assert telemetry.REGISTRY.get_sample_value("forerun_recommend_refused_total") == refused + 1
    finish.set()
    assert [(await task).status_code for task in (first, second)] == [200, 200]
    assert (await client.post("/v1/recommend", json=REQUEST)).status_code == 200


async def test_a_ranking_nobody_waits_for_is_given_up(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client leaves while its configurations are ranked: the work is cancelled and its place is free again."""
    working, cancelled = asyncio.Event(), asyncio.Event()

    async def endless(*_: object) -> dict[str, Any]:
        working.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return {}

    monkeypatch.setattr(recommend_door, "recommend_configurations", endless)
    app.state.recommend_gate = dependencies.Gate(slots=1, queue=0)
    body = orjson.dumps(REQUEST)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if not working.is_set() and not sent:
            sent.append(body)
            return {"type": "http.request", "body": body, "more_body": False}
        await working.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/v1/recommend", "raw_path": b"/v1/recommend", "query_string": b"", "root_path": "",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1), "server": ("localhost", 80),
    }  # fmt: skip
    async with asyncio.timeout(120):
        await app(scope, receive, send)
        await cancelled.wait()
        async with app.state.recommend_gate.enter():
            pass


async def test_a_gate_forgets_whoever_left_while_waiting() -> None:
    gate = dependencies.Gate(slots=1, queue=1)

    async def enter() -> None:
        async with gate.enter():
            pass

    async with gate.enter():
        waiting = asyncio.create_task(enter())
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await enter()
        waiting.cancel()
        await asyncio.wait([waiting])
        async with asyncio.timeout(120):
            again = asyncio.create_task(enter())
            await asyncio.sleep(0)
    await again


async def test_stages_and_bases_are_counted(client: Client) -> None:
    await client.post("/v1/recommend", json=REQUEST)
    exposed = (await client.get("/metrics")).text
    for stage in ("load", "rank", "save"):
        assert f'forerun_recommend_stage_duration_seconds_count{{stage="{stage}"}}' in exposed
    assert 'forerun_recommendations_total{basis="cold_start"}' in exposed
