"""Projects, refits and meta-learners as clients see them; what they do is tested where it is done."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from app.api import examples, schemas
from app.store import meta_learners, projects

Client = httpx.AsyncClient


async def call(client: Client, method: str, url: str, status: int, shape: type[schemas.Answer], **how: Any) -> Any:
    """The answer to a request, which must have this status and this shape exactly."""
    answer = await client.request(method, url, **how)
    assert answer.status_code == status, answer.text
    shape.model_validate_json(answer.content, extra="forbid")
    return answer.json()


async def refused(client: Client, method: str, url: str, status: int, code: str, **how: Any) -> Any:
    answer = await client.request(method, url, **how)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return answer.json()


@pytest.fixture
async def demo(client: Client) -> None:
    await call(client, "PUT", "/v1/projects/demo", 200, schemas.Project, json=examples.PROJECT_SETTINGS)


async def fitted(app: FastAPI, project: str) -> UUID:
    """A meta-learner as a worker would have stored it."""
    async with app.state.database.transaction() as connection:
        owner = await projects.get(connection, project)
        verdict = {"promoted": True, "reason": "the first", "figures": {}}
        return await meta_learners.insert_next(
            connection, owner.id, b"bytes", n_runs=3, n_datasets=1, format_version=1,
            report={"n_runs": 3}, verdict=verdict,
        )  # fmt: skip


async def test_a_project_is_declared_read_and_listed(client: Client, demo: None) -> None:
    project = await call(client, "GET", "/v1/projects/demo", 200, schemas.ProjectDetail)
    assert project["objectives"] == examples.PROJECT_SETTINGS["objectives"]
    assert project["refit_policy"] == examples.PROJECT_SETTINGS["refit_policy"]
    assert project["retention"] == examples.PROJECT_SETTINGS["retention"]
    assert project["meta_learner_id"] is None
    assert project.pop("warnings") == []
    listed = await call(client, "GET", "/v1/projects", 200, schemas.ProjectList)
    assert listed == {"projects": [project], "next_cursor": None}
    changed = await call(client, "PUT", "/v1/projects/demo", 200, schemas.Project, json={})
    assert (changed["objectives"], changed["created_at"]) == ([], project["created_at"])
    assert changed["retention"] == {"keep_raw_days": None, "keep_latest": 1000}


@pytest.mark.parametrize("name", ["a/b", "ä ö", "100%", "'; drop table projects;--", "<script>", "?x=1#y", "."])
async def test_any_name_can_be_a_path(client: Client, name: str) -> None:
    url = "/v1/projects/" + "".join(f"%{byte:02X}" for byte in name.encode())
    assert (await call(client, "PUT", url, 200, schemas.Project, json={}))["name"] == name
    assert (await call(client, "GET", url, 200, schemas.ProjectDetail))["name"] == name


async def test_a_name_is_one_name_however_its_accents_are_spelt(client: Client) -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    for name in (composed, decomposed):
        run = {"project": name, "run_id": name, "dataset": name, "state": "completed", "metrics": {name: 0.5}}
        stored = await client.post("/v1/runs", json=run)
        assert stored.json()["status"] == ("created" if name == composed else "duplicate")
        shown = (await client.get("/v1/runs", params={"project": name, "dataset": name})).json()["runs"]
        assert [(run["project"], run["run_id"], run["metrics"]) for run in shown] == [
            (composed, composed, {composed: 0.5})
        ]
        answer = await client.get(f"/v1/projects/{name}")
        assert (answer.status_code, answer.json()["name"]) == (200, composed)


async def test_what_is_wrong_with_a_declaration_is_pointed_at(client: Client) -> None:
    twice = [{"metric": "accuracy", "direction": "maximize"}, {"metric": "accuracy", "direction": "minimize"}]
    for body, pointer in [
        ({"objectives": [{"metric": "accuracy"}]}, "/objectives/0/direction"),
        ({"objectives": [{"metric": "accuracy", "direction": "up"}]}, "/objectives/0/direction"),
        ({"objectives": twice}, "/objectives"),
        ({"refit_policy": {"min_new_runs": 0}}, "/refit_policy/min_new_runs"),
        ({"objective": []}, "/objective"),
    ]:
        problem = await refused(client, "PUT", "/v1/projects/demo", 422, "invalid_request", json=body)
        assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
    assert (await client.get("/v1/projects")).json()["projects"] == []


async def test_projects_are_paged_by_name(client: Client) -> None:
    for name in "dbca":
        await client.put(f"/v1/projects/{name}", json={})
    first = await call(client, "GET", "/v1/projects?limit=3", 200, schemas.ProjectList)
    rest = await call(client, "GET", f"/v1/projects?cursor={first['next_cursor']}", 200, schemas.ProjectList)
    assert [project["name"] for project in first["projects"] + rest["projects"]] == ["a", "b", "c", "d"]
    assert rest["next_cursor"] is None


async def test_a_refit_is_queued_once_and_followed(client: Client, demo: None) -> None:
    refit = await call(client, "POST", "/v1/refits", 202, schemas.Refit, json={"project": "demo"})
    assert (refit["state"], refit["trigger"], refit["project"]) == ("queued", "request", "demo")
    again = await call(client, "POST", "/v1/refits", 202, schemas.Refit, json={"project": "demo"})
    assert again == refit
    assert await call(client, "GET", f"/v1/refits/{refit['id']}", 200, schemas.Refit) == refit
    listed = await call(client, "GET", "/v1/refits?project=demo", 200, schemas.RefitList)
    assert listed == {"refits": [refit], "next_cursor": None}


async def test_meta_learners_are_listed_read_and_promoted(client: Client, app: FastAPI, demo: None) -> None:
    first, second = [await fitted(app, "demo") for _ in range(2)]
    page = await call(client, "GET", "/v1/meta-learners?project=demo&limit=1", 200, schemas.MetaLearnerList)
    url = f"/v1/meta-learners?project=demo&limit=1&cursor={page['next_cursor']}"
    rest = await call(client, "GET", url, 200, schemas.MetaLearnerList)
    versions = [(found["version"], found["champion"]) for found in page["meta_learners"] + rest["meta_learners"]]
    assert versions == [(2, False), (1, False)]
    for promoted in (second, first):  # the second call is the way back
        url = f"/v1/meta-learners/{promoted}/promote"
        assert (await call(client, "POST", url, 200, schemas.MetaLearnerDetail))["champion"] is True
        assert (await client.get("/v1/projects/demo")).json()["meta_learner_id"] == str(promoted)
    other = await call(client, "GET", f"/v1/meta-learners/{second}", 200, schemas.MetaLearnerDetail)
    assert other["champion"] is False
    assert other["report"] == {"n_runs": 3}


async def test_what_does_not_exist_is_not_found(client: Client) -> None:
    for method, url in [
        ("GET", "/v1/projects/nobody"),
        ("GET", "/v1/refits?project=nobody"),
        ("GET", f"/v1/refits/{uuid4()}"),
        ("GET", "/v1/meta-learners?project=nobody"),
        ("GET", f"/v1/meta-learners/{uuid4()}"),
        ("POST", f"/v1/meta-learners/{uuid4()}/promote"),
        ("GET", f"/v1/recommendations/{uuid4()}"),
    ]:
        await refused(client, method, url, 404, "not_found")
    await refused(client, "POST", "/v1/refits", 404, "not_found", json={"project": "nobody"})


@pytest.mark.parametrize(
    "url",
    [
        "/v1/refits/1",
        "/v1/meta-learners/x",
        "/v1/refits",
        "/v1/refits?project=demo&limit=0",
        "/v1/refits?project=demo&limit=501",
        "/v1/refits?project=demo&cursor=x",
        "/v1/refits?project=demo&order=up",
        "/v1/projects?limit=ten",
        "/v1/projects/a%00b",
    ],
)
async def test_parameters_are_checked(client: Client, url: str) -> None:
    problem = (await client.get(url)).json()
    assert problem["status"] == 422
    assert len(problem["errors"]) == 1
