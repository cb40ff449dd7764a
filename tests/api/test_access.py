"""Nobody gets in who must not: every route and verb of the application, with every kind of key that is not enough."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from app.api import access
from app.api.problems import MEDIA_TYPE
from app.api.rates import Buckets
from app.config import Settings
from app.flows.access import create_key
from app.main import create_app
from app.store import keys, meta_learners, projects
from app.store.tables import keys as keys_table
from app.web import pages
from tests.conftest import _database

OURS, THEIRS, NOBODYS = "ours-project", "theirs-project", "nobodys-project"
SEARCH_SPACE = {"parameters": {"C": {"type": "float", "low": 0.1, "high": 1.0}}}
Operation: TypeAlias = tuple[str, str]


def operations(app: FastAPI) -> Iterator[Operation]:
    for route in iter_route_contexts(app.routes):
        for method in sorted(route.methods or ()):
            yield method, route.path_format


EVERYTHING = list(operations(create_app(Settings())))
FILES = {("GET", "/docs/{name}"), ("GET", "/pages/{name}")}
GUARDED = [(method, path) for method, path in EVERYTHING if access.rule_of(method, path) is not None]


# ---------------------------------------------------------------- the rules themselves


def test_only_these_are_open() -> None:
    """A new route that forgets about keys fails here, and is closed anyway."""
    opened = {path for method, path in EVERYTHING if access.rule_of(method, path) is None}
    assert opened == {"/healthz", "/readyz", "/docs", "/openapi.json", *pages.PATHS}
    files = access.PUBLIC - opened
    assert files == {name for name in access.PUBLIC if name.startswith(("/docs/", "/pages/"))}
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        assert not any(access.rule_of(method, path) is None for path in access.PUBLIC)


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_every_route_has_a_rule_of_its_own(method: str, path: str) -> None:
    root = "/".join(path.split("/", 3)[:3])
    listed = (method, root) in access.RULES
    assert listed or (method, path) in FILES, "no rule: only an administrator gets in"


def test_every_operation_of_the_document_is_driven() -> None:
    """With every key that is not enough, and with another project's: a new one without a request here fails."""
    paths = create_app(Settings()).openapi()["paths"]
    documented = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert documented <= set(EVERYTHING)
    assert {operation for operation in documented if access.rule_of(*operation) is not None} <= REQUESTS.keys()


def test_every_rule_is_of_a_route() -> None:
    there = {(method, "/".join(path.split("/", 3)[:3])) for method, path in EVERYTHING}
    assert access.RULES.keys() <= there


@pytest.mark.parametrize("path", ["/nothing", "/v1/nothing", "/v1/", "/docs/../v1/runs", "/healthz/", "//healthz", ""])
def test_what_is_not_listed_is_closed(path: str) -> None:
    assert access.rule_of("GET", path) == access.OTHERWISE


# ---------------------------------------------------------------- a service with two tenants


@dataclass
class World:
    """Two projects with one of everything each, and keys of every kind."""

    app: FastAPI
    client: httpx.AsyncClient
    key: dict[str, str]
    ids: dict[str, dict[str, str]]

    async def call(self, key: str | None, method: str, path: str, **given: Any) -> httpx.Response:
        headers = {} if key is None else {"Authorization": f"Bearer {self.key[key]}"}
        return await self.client.request(method, path, headers=headers, **given)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(server_url: str, template: str) -> AsyncIterator[World]:
    with contextmanager(_database)(server_url, template) as url:
        async with two_tenants(url) as made:
            yield made


@asynccontextmanager
async def two_tenants(database_url: str) -> AsyncIterator[World]:
    app = create_app(Settings(database_url=database_url, worker=False, auth="required"))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            made = World(app, client, await _keys(app), {})
            for project in (OURS, THEIRS):
                made.ids[project] = await _one_of_everything(made, project)
            made.ids[NOBODYS] = {name: str(uuid4()) for name in made.ids[OURS]}
            yield made


async def _keys(app: FastAPI) -> dict[str, str]:
    made = {}
    async with app.state.database.transaction() as connection:
        for scope in ("ingest", "recommend", "read", "admin"):
            _, made[scope] = await create_key(connection, scope, [scope])
            _, made[f"no {scope}"] = await create_key(connection, scope, sorted(NOT_ADMIN - {scope}))
            _, made[f"{scope} of theirs"] = await create_key(connection, scope, [scope], [THEIRS])
        _, made["of ours"] = await create_key(connection, "ours", ["admin"], [OURS])
        _, made["of theirs"] = await create_key(connection, "theirs", ["admin"], [THEIRS])
        revoked, made["revoked"] = await create_key(connection, "revoked", ["admin"])
        await keys.revoke(connection, revoked.id)
        expired, made["expired"] = await create_key(connection, "expired", ["admin"], expires_in_days=1)
        past = datetime.now(UTC) - timedelta(seconds=1)
        await connection.execute(keys_table.update().where(keys_table.c.id == expired.id).values(expires_at=past))
    good = made["admin"]
    made["of another secret"] = good[:16] + good[16:][::-1]
    made["of another prefix"] = "fr_000000000000" + good[15:]
    made["malformed"] = "fr_"
    return made


NOT_ADMIN = {"ingest", "recommend", "read"}


async def _one_of_everything(world: World, project: str) -> dict[str, str]:
    async def made(method: str, path: str, body: Any) -> Any:
        answer = await world.call("admin", method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    asked = await made("POST", "/v1/recommend", _question(project))
    run = await made("POST", "/v1/runs", _run(project) | {"recommendation_id": asked["recommendation_id"]})
    refit = await made("POST", "/v1/refits", {"project": project})
    async with world.app.state.database.transaction() as connection:
        owner = await projects.get(connection, project)
        verdict = {"promoted": False, "reason": "", "figures": {}}
        fitted = await meta_learners.insert_next(
            connection, owner.id, b"", n_runs=0, n_datasets=0, format_version=1, report={}, verdict=verdict
        )
    return {
        "run": run["id"],
        "recommendation": asked["recommendation_id"],
        "refit": refit["id"],
        "meta-learner": str(fitted),
    }


def _run(project: str) -> dict[str, Any]:
    state = {"state": "running", "hyperparameters": {"C": 1.0}}
    return {"project": project, "dataset": {"name": "secret", "meta_features": {"n_rows": 5}}, **state}


def _question(project: str) -> dict[str, Any]:
    objectives = [{"metric": "accuracy", "direction": "maximize"}]
    return {"project": project, "dataset": "secret", "objectives": objectives, "search_space": SEARCH_SPACE, "top_k": 1}


Request: TypeAlias = tuple[str, dict[str, Any]]
REQUESTS: dict[Operation, Callable[[str, dict[str, str]], Request]] = {
    ("POST", "/v1/recommend"): lambda project, ids: ("/v1/recommend", {"json": _question(project)}),
    ("GET", "/v1/recommendations"): lambda project, ids: ("/v1/recommendations", {"params": {"project": project}}),
    ("GET", "/v1/outcomes"): lambda project, ids: ("/v1/outcomes", {"params": {"project": project}}),
    ("GET", "/v1/overview"): lambda project, ids: ("/v1/overview", {"params": {"project": project}}),
    ("GET", "/v1/similar-datasets"): lambda project, ids: (
        "/v1/similar-datasets",
        {"params": {"project": project, "dataset": "secret"}},
    ),
    ("GET", "/v1/recommendations/{id}"): lambda project, ids: (f"/v1/recommendations/{ids['recommendation']}", {}),
    ("POST", "/v1/runs"): lambda project, ids: ("/v1/runs", {"json": _run(project)}),
    ("POST", "/v1/runs/batch"): lambda project, ids: ("/v1/runs/batch", {"json": {"runs": [_run(project)]}}),
    ("GET", "/v1/runs"): lambda project, ids: ("/v1/runs", {"params": {"project": project}}),
    ("GET", "/v1/runs/{id}"): lambda project, ids: (f"/v1/runs/{ids['run']}", {}),
    ("PATCH", "/v1/runs/{id}"): lambda project, ids: (f"/v1/runs/{ids['run']}", {"json": {"metrics": {"f1": 0.5}}}),
    ("DELETE", "/v1/runs/{id}"): lambda project, ids: (f"/v1/runs/{ids['run']}", {}),
    ("GET", "/v1/datasets"): lambda project, ids: ("/v1/datasets", {"params": {"project": project}}),
    ("GET", "/v1/datasets/{name}"): lambda project, ids: ("/v1/datasets/secret", {"params": {"project": project}}),
    ("PUT", "/v1/datasets/{name}"): lambda project, ids: (
        "/v1/datasets/secret",
        {"params": {"project": project}, "json": {"meta_features": {"n_rows": 6}}},
    ),
    ("GET", "/v1/projects"): lambda project, ids: ("/v1/projects", {}),
    ("GET", "/v1/projects/{name}"): lambda project, ids: (f"/v1/projects/{project}", {}),
    ("PUT", "/v1/projects/{name}"): lambda project, ids: (f"/v1/projects/{project}", {"json": {}}),
    ("POST", "/v1/refits"): lambda project, ids: ("/v1/refits", {"json": {"project": project}}),
    ("GET", "/v1/refits"): lambda project, ids: ("/v1/refits", {"params": {"project": project}}),
    ("GET", "/v1/refits/{id}"): lambda project, ids: (f"/v1/refits/{ids['refit']}", {}),
    ("GET", "/v1/meta-learners"): lambda project, ids: ("/v1/meta-learners", {"params": {"project": project}}),
    ("GET", "/v1/meta-learners/{id}"): lambda project, ids: (f"/v1/meta-learners/{ids['meta-learner']}", {}),
    ("POST", "/v1/meta-learners/{id}/promote"): lambda project, ids: (
        f"/v1/meta-learners/{ids['meta-learner']}/promote",
        {},
    ),
    ("GET", "/v1/keys"): lambda project, ids: ("/v1/keys", {}),
    ("POST", "/v1/keys"): lambda project, ids: ("/v1/keys", {"json": {"name": "mine", "scopes": ["admin"]}}),
    ("DELETE", "/v1/keys/{id}"): lambda project, ids: (f"/v1/keys/{UUID(int=1)}", {}),
    ("GET", "/v1/audit"): lambda project, ids: ("/v1/audit", {}),
    ("GET", "/metrics"): lambda project, ids: ("/metrics", {}),
    ("GET", "/docs/{name}"): lambda project, ids: ("/docs/nothing", {}),
    ("GET", "/pages/{name}"): lambda project, ids: ("/pages/nothing", {}),
}
"""One request to each route, which succeeds for whoever may make it."""

ANSWERS = {("DELETE", "/v1/keys/{id}"): 404, **dict.fromkeys(FILES, 404)}
UNLIMITED = {("POST", "/v1/keys"), ("GET", "/v1/keys"), ("DELETE", "/v1/keys/{id}"), ("GET", "/v1/audit")}
UNLIMITED |= {("GET", "/metrics"), *FILES}
every_route = pytest.mark.parametrize("operation", GUARDED, ids=[" ".join(operation) for operation in GUARDED])


def request(world: World, operation: Operation, project: str) -> Request:
    return REQUESTS[operation](project, world.ids[project])


# ---------------------------------------------------------------- the matrix


@every_route
@pytest.mark.parametrize("key", [None, "malformed", "of another secret", "of another prefix", "revoked", "expired"])
async def test_without_a_good_key_nobody_gets_in(world: World, operation: Operation, key: str | None) -> None:
    path, given = request(world, operation, THEIRS)
    answer = await world.call(key, operation[0], path, **given)
    assert (answer.status_code, answer.headers["content-type"]) == (401, MEDIA_TYPE)
    assert answer.headers["www-authenticate"] == 'Bearer realm="forerun"'
    problem = answer.json()
    assert problem["code"] == "unauthorized"
    assert problem["errors"] == []
    assert key is None or problem["detail"].startswith("this key is not valid: ")


@every_route
async def test_a_scope_opens_what_it_is_for_and_nothing_else(world: World, operation: Operation) -> None:
    rule = access.rule_of(*operation)
    assert rule is not None
    path, given = request(world, operation, OURS)
    answer = await world.call(f"no {rule.scope}", operation[0], path, **given)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    if rule.scope == "admin":
        for scope in NOT_ADMIN:
            assert (await world.call(scope, operation[0], path, **given)).status_code == 403


@every_route
async def test_the_right_key_opens_it(world: World, operation: Operation) -> None:
    rule = access.rule_of(*operation)
    assert rule is not None
    ids = {**world.ids[THEIRS]}
    if operation[0] == "DELETE":  # one that nobody misses
        ids["run"] = (await world.call("admin", "POST", "/v1/runs", json=_run(THEIRS))).json()["id"]
    path, given = REQUESTS[operation](THEIRS, ids)
    key = rule.scope if operation in UNLIMITED else f"{rule.scope} of theirs"
    answer = await world.call(key, operation[0], path, **given)
    expected = ANSWERS.get(operation)
    assert answer.status_code == expected if expected else answer.is_success, answer.text


@every_route
async def test_the_key_of_one_project_learns_nothing_of_another(world: World, operation: Operation) -> None:
    """What is another's and what does not exist are answered by the same status, headers and words."""
    answers = []
    for project in (THEIRS, NOBODYS):
        path, given = request(world, operation, project)
        answers.append(_seen(await world.call("of ours", operation[0], path, **given), project, world.ids[project]))
    assert answers[0] == answers[1]
    status, code = answers[0][:2]
    if operation == ("POST", "/v1/runs/batch"):
        assert (status, answers[0][2]["results"][0]["error"]["code"]) == (200, "forbidden")
    elif operation == ("GET", "/v1/projects"):
        assert [listed["name"] for listed in answers[0][2]["projects"]] == [OURS]
    elif operation in UNLIMITED or "{id}" not in operation[1]:
        assert (status, code) == (403, "forbidden")
    else:
        assert (status, code) == (404, "not_found")


def _seen(answer: httpx.Response, project: str, ids: dict[str, str]) -> tuple[int, Any, Any, list[str]]:
    text = re.sub("|".join([*ids.values(), project]), "what-was-asked-for", answer.text)
    body = httpx.Response(200, text=text).json() if text else {}
    body.pop("request_id", None)
    headers = sorted(name for name in answer.headers if name != "content-length")
    return answer.status_code, body.get("code"), body, headers


async def test_lists_hold_what_is_the_callers_alone(world: World) -> None:
    for path, field in (("/v1/runs", "runs"), ("/v1/datasets", "datasets")):
        listed = (await world.call("of ours", "GET", path)).json()[field]
        assert {item["project"] for item in listed} == {OURS}
        named = await world.call("of ours", "GET", path, params={"dataset": "secret"} if field == "runs" else {})
        assert {item["project"] for item in named.json()[field]} == {OURS}
        everybodys = (await world.call("admin", "GET", path)).json()[field]
        assert {item["project"] for item in everybodys} == {OURS, THEIRS}


async def test_an_overview_holds_what_is_the_callers_alone(world: World) -> None:
    seen = {key: (await world.call(key, "GET", "/v1/overview")).json()["projects"] for key in ("of ours", "admin")}
    assert [one["project"] for one in seen["of ours"]] == [OURS]
    assert [one["project"] for one in seen["admin"]] == [OURS, THEIRS]


async def test_a_batch_is_rejected_run_by_run_as_a_stream_too(world: World) -> None:
    runs = [_run(OURS), _run(THEIRS), _run(NOBODYS), _run(OURS)]
    answer = (await world.call("of ours", "POST", "/v1/runs/batch", json={"runs": runs})).json()
    assert [result["status"] for result in answer["results"]] == ["created", "rejected", "rejected", "created"]
    lines = "\n".join(httpx.Request("POST", "http://x", json=run).content.decode() for run in runs)
    headers = {"Authorization": f"Bearer {world.key['of ours']}", "Content-Type": "application/x-ndjson"}
    answer = (await world.client.post("/v1/runs/batch", content=lines, headers=headers)).json()
    assert [(result["index"], result["error"]["code"]) for result in answer["results"]] == [
        (1, "forbidden"),
        (2, "forbidden"),
    ]
    assert (await world.call("admin", "GET", f"/v1/projects/{NOBODYS}")).status_code == 404


async def test_a_run_cannot_follow_what_was_recommended_to_others(world: World) -> None:
    said = set()
    for project in (THEIRS, NOBODYS):
        run = _run(OURS) | {"recommendation_id": world.ids[project]["recommendation"]}
        answer = await world.call("of ours", "POST", "/v1/runs", json=run)
        said.add((answer.status_code, answer.json()["detail"]))
    assert said == {(422, "the project has no such recommendation")}


async def test_nobody_is_told_by_a_way_round(world: World) -> None:
    key = world.key["admin"]
    for headers in (
        {"Authorization": key},
        {"Authorization": f"Basic {key}"},
        {"Authorization": f"Bearer {key} {key}"},
        {"X-Api-Key": key},
        [("Authorization", f"Bearer {key}"), ("Authorization", f"Bearer {key}")],
        {"Authorization": "Bearer ünïcode".encode("latin-1")},
    ):
        assert (await world.client.get("/v1/runs", headers=headers)).status_code == 401
    assert (await world.client.get("/v1/runs", params={"key": key})).status_code == 401
    assert (await world.client.get("/v1/runs", headers={"Authorization": f"bearer  {key}"})).status_code == 200


async def test_what_is_public_needs_no_key(world: World) -> None:
    for path in ("/healthz", "/readyz", "/docs", "/openapi.json", "/docs/docs.js"):
        assert (await world.client.get(path)).status_code == 200


# ---------------------------------------------------------------- Host, Origin, rates


async def test_a_name_that_points_here_by_deceit_is_refused(client: httpx.AsyncClient) -> None:
    for host in ("localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]", "[::1]:8000"):
        assert (await client.get("/v1/runs", headers={"Host": host})).status_code == 200
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.nip.io:8000", "", "[::1", "evil@localhost.x"):
        answer = await client.get("/healthz", headers={"Host": host})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_pages_of_other_sites_are_refused(client: httpx.AsyncClient) -> None:
    same = await client.get("/v1/runs", headers={"Host": "localhost:8000", "Origin": "http://localhost:8000"})
    assert same.status_code == 200
    assert not any(name.startswith("access-control") for name in same.headers)
    for origin in ("http://evil.example", "http://localhost:3000", "https://localhost.evil", "null"):
        answer = await client.get("/v1/runs", headers={"Host": "localhost:8000", "Origin": origin})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("given", "host", "status"),
    [
        ({"allowed_hosts": "forerun.example, other"}, "forerun.example", 200),
        ({"allowed_hosts": "forerun.example, other"}, "OTHER:443", 200),
        ({"allowed_hosts": "forerun.example, other"}, "third", 403),
        ({"allowed_hosts": "a", "host": "0.0.0.0", "auth": "off", "allow_open": True}, "localhost", 200),
        ({"allowed_hosts": "a", "host": "0.0.0.0", "auth": "off", "allow_open": True}, "b", 403),
        ({"host": "0.0.0.0", "auth": "off", "allow_open": True}, "anything", 200),
        ({"host": "0.0.0.0"}, "anything", 401),
        ({"host": "0.0.0.0", "auth": "off"}, "anything", 401),
        ({"auth": "required"}, "localhost", 401),
    ],
)
async def test_settings_say_who_gets_in(settings: Settings, given: dict[str, Any], host: str, status: int) -> None:
    app = create_app(settings.model_copy(update=given))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{host}") as client,
    ):
        assert (await client.get("/v1/projects")).status_code == status
        foreign = await client.get("/v1/projects", headers={"Origin": "https://forerun.example"})
        known = "forerun.example" in given.get("allowed_hosts", "")
        assert foreign.status_code == (status if known else 403)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("127.9.9.9", True), ("0.0.0.0", False), ("::", False),
     ("10.0.0.1", False), ("", False), ("forerun.example", False), ("localhost.example", False)],
)  # fmt: skip
def test_keys_are_asked_for_unless_only_this_machine_can_call(host: str, loopback: bool) -> None:
    assert Settings(host=host).keys_required is not loopback
    assert Settings(host=host, auth="required").keys_required
    assert Settings(host=host, auth="off").keys_required is not loopback
    assert not Settings(host=host, auth="off", allow_open=True).keys_required


async def test_who_asks_too_often_is_told_when_to_come_back(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"rate_limit": 0.1, "rate_burst": 2}))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client,
    ):
        answers = [await client.get("/v1/projects") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
        assert {answer.headers["RateLimit-Limit"] for answer in answers} == {"2"}
        assert 15 <= int(answers[2].headers["RateLimit-Reset"]) <= 20
        assert 5 < int(answers[2].headers["Retry-After"]) <= 10
        assert answers[2].json()["code"] == "too_many_requests"
        assert (await client.get("/healthz")).status_code == 200


def test_a_bucket_fills_again_and_is_ones_own() -> None:
    buckets = Buckets(rate=2.0, burst=4)
    assert [buckets.take("a", 0.0).allowed for _ in range(5)] == [True] * 4 + [False]
    assert buckets.take("b", 0.0).allowed
    assert not buckets.take("a", 0.4).allowed
    assert buckets.take("a", 0.6).allowed
    assert [buckets.take("a", 1e6).allowed for _ in range(5)] == [True] * 4 + [False]
