"""Whether it lives, whether it can work, and how it is doing."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app import __version__, telemetry
from app.config import Settings
from app.learn.train import train
from app.main import create_app
from tests.flows.test_recommend import request, serve
from tests.histories import history, table


async def test_a_living_process_says_so(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "version": __version__})


async def test_an_api_that_only_takes_runs_makes_nothing_ready(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    warmed: list[bool] = []
    monkeypatch.setattr("app.main.warm_up", lambda _stopping: warmed.append(True))
    for warm_up, expected in ((False, []), (True, [True])):
        app = create_app(settings.model_copy(update={"warm_up": warm_up}))
        async with app.router.lifespan_context(app):
            pass
        assert warmed == expected


async def test_ready_with_the_schema_of_this_version(client: httpx.AsyncClient) -> None:
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")


async def test_not_ready_with_another_schema(client: httpx.AsyncClient, app: FastAPI) -> None:
    async with app.state.database.transaction() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "ok"
    assert "migrate" in answer.json()["checks"]["schema"]


async def test_alive_but_not_ready_without_a_database(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"database_url": "postgresql://nobody:secret@127.0.0.1:9/none"})
    app = create_app(nowhere)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client,
    ):
        assert (await client.get("/healthz")).status_code == 200
        ready = await client.get("/readyz")
        project = await client.get("/v1/projects/demo")
    assert ready.status_code == 503
    assert ready.json()["status"] == "not_ready"
    assert "secret" not in ready.text
    assert (project.status_code, project.json()["code"]) == (503, "unavailable")
    assert int(project.headers["retry-after"]) >= 1


async def test_an_application_without_a_database_url_does_not_start() -> None:
    app = create_app(Settings(database_url=None))
    with pytest.raises(RuntimeError, match="database_url"):
        async with app.router.lifespan_context(app):
            pass


async def test_metrics_count_requests_by_route_and_not_by_path(client: httpx.AsyncClient) -> None:
    await client.get("/v1/projects/some-name")
    await client.get("/no/such/path")
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'forerun_http_requests_total{method="GET",route="/v1/projects/{name}",status="404"}' in answer.text
    assert 'route="unmatched",status="404"' in answer.text
    assert "some-name" not in answer.text


async def test_metrics_tell_the_refits_on_record(client: httpx.AsyncClient) -> None:
    await client.put("/v1/projects/demo", json={})
    await client.post("/v1/refits", json={"project": "demo"})
    assert 'forerun_refits{state="queued"} 1.0' in (await client.get("/metrics")).text


async def test_metrics_are_told_without_a_database(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"database_url": "postgresql://nobody:secret@127.0.0.1:9/none"})
    app = create_app(nowhere)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client,
    ):
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert "forerun_refits{" not in answer.text
    assert "forerun_http_requests_total" in answer.text


async def test_a_damaged_champion_is_a_warning_and_counted(client: httpx.AsyncClient, app: FastAPI) -> None:
    trained = train(table(history(range(4), 12)), seed=0, threads=1)
    earlier, damaged = await serve(app.state.database, trained), await serve(app.state.database, trained)
    counted = telemetry.REGISTRY.get_sample_value("forerun_damaged_bundles_total") or 0.0
    async with app.state.database.transaction() as connection:
        flip = "UPDATE meta_learners SET content = set_byte(content, 500, get_byte(content, 500) # 1) WHERE id = :id"
        await connection.execute(text(flip), {"id": damaged})
    answer = await client.post("/v1/recommend", json=request().model_dump(mode="json"))
    assert answer.json()["meta_learner"]["id"] == str(earlier)
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert [str(damaged) in warning for warning in ready.json()["warnings"]] == [True]
    assert f"forerun_damaged_bundles_total {counted + 1}" in (await client.get("/metrics")).text
    project = f"/v1/projects/{answer.json()['project']}"
    assert [str(damaged) in warning for warning in (await client.get(project)).json()["warnings"]] == [True]
    assert (await client.post(f"/v1/meta-learners/{earlier}/promote")).is_success
    assert (await client.get(project)).json()["warnings"] == []

    await serve(app.state.database, trained)  # the next champion ends it
    assert (await client.get("/readyz")).json()["warnings"] == []
