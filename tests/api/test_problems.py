"""Whatever goes wrong, the answer is one small problem document that points at the cause and echoes nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Query
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException

from app import errors, telemetry
from app.api import problems
from app.api.dependencies import known_query_only
from app.types import RecommendRequest, Run


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI(redirect_slashes=False, dependencies=[Depends(known_query_only)])
    problems.install(app)
    app.add_middleware(telemetry.Telemetry)

    @app.get("/things/{number}")
    async def get_thing(number: int, limit: Annotated[int, Query(ge=1, le=500)] = 10) -> int:
        return number * limit

    @app.delete("/things/{number}")
    async def delete_thing(number: int) -> None: ...

    @app.post("/runs")
    async def post_run(run: Run) -> None: ...

    @app.get("/raise/{name}")
    async def fail(name: str) -> None:
        raise _RAISED[name]

    transport = httpx.ASGITransport(app)  # an error that reaches the server's side fails the test
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


_RAISED: dict[str, Exception] = {
    "busy": errors.TooManyRequests("wait", retry_after_seconds=3),
    "conflict": errors.RunConflict("other body", [errors.Fault("/run_id", "taken")]),
    "surrogate": errors.NotFound("no project '\ud800'"),
    "long": errors.NotFound("x" * 100_000),
    "bug": RuntimeError("secret internals"),
    "http": HTTPException(418, "short and stout", {"X-Teapot": "yes"}),
}


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    problems.Problem.model_validate(document)
    assert (document["status"], document["code"]) == (status, code)
    assert document["type"] == f"urn:forerun:problem:{code}"
    assert document["request_id"] == answer.headers["x-request-id"] != ""
    return document


async def test_a_known_error_keeps_its_status_code_faults_and_retry(client: httpx.AsyncClient) -> None:
    assert_problem(busy := await client.get("/raise/busy"), 429, "too_many_requests")
    assert busy.headers["retry-after"] == "3"
    conflict = assert_problem(await client.get("/raise/conflict"), 409, "run_conflict")
    assert conflict["errors"] == [{"pointer": "/run_id", "message": "taken"}]


async def test_an_unexpected_error_is_counted_logged_and_hidden(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    before = telemetry.REGISTRY.get_sample_value("forerun_unexpected_errors_total")
    with caplog.at_level(logging.ERROR):
        answer = await client.get("/raise/bug")
    assert_problem(answer, 500, "internal_error")
    assert "secret" not in answer.text
    assert "secret internals" in caplog.text
    assert telemetry.REGISTRY.get_sample_value("forerun_unexpected_errors_total") == (before or 0) + 1


async def test_text_from_a_client_can_neither_break_nor_bloat_the_answer(client: httpx.AsyncClient) -> None:
    surrogate = await client.get("/raise/surrogate")
    assert r"\ud800" in assert_problem(surrogate, 404, "not_found")["detail"]
    surrogate.content.decode("ascii")
    assert len((await client.get("/raise/long")).content) < 1000


async def test_paths_and_methods_that_do_not_exist(client: httpx.AsyncClient) -> None:
    assert_problem(await client.get("/nothing"), 404, "not_found")
    assert_problem(await client.get("/things/1/"), 404, "not_found")
    answer = await client.put("/things/1")
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "DELETE, GET"
    teapot = await client.get("/raise/http")
    assert_problem(teapot, 418, "im_a_teapot")
    assert teapot.headers["x-teapot"] == "yes"


@pytest.mark.parametrize(
    ("url", "pointer"),
    [
        ("/things/one", "/path/number"),
        ("/things/1?limit=0", "/query/limit"),
        ("/things/1?limti=5", "/query/limti"),
        ("/things/1?limit=5&limit=6", "/query/limit"),
    ],
)
async def test_parameters_are_pointed_at(client: httpx.AsyncClient, url: str, pointer: str) -> None:
    document = assert_problem(await client.get(url), 422, "invalid_request")
    assert [fault["pointer"] for fault in document["errors"]] == [pointer]


GOOD = {"dataset": {"name": "adult"}, "state": "completed", "metrics": {"accuracy": 0.9}}


@pytest.mark.parametrize(
    ("change", "pointer", "message"),
    [
        ({"metrics": {"a/b": "high"}}, "/metrics/a~1b", "should be a valid number"),
        ({"hyperparamters": {}}, "/hyperparamters", "there is no such field; did you mean 'hyperparameters'?"),
        ({"zzz": {}}, "/zzz", "there is no such field"),
        (
            {"dataset": {"name": "a", "metafeatures": {}}},
            "/dataset/metafeatures",
            "there is no such field; did you mean 'meta_features'?",
        ),
        (
            {"learning_curve": [{"step": 1, "metrics": {}}, {"step": 2, "metric": {}, "metrics": {}}]},
            "/learning_curve/1/metric",
            "there is no such field; did you mean 'metrics'?",
        ),
        ({"dataset": {}}, "/dataset/name", "this field is required"),
        ({"dataset": 7}, "/dataset", "should be an object"),
        ({"learning_curve": 7}, "/learning_curve", "should be an array"),
        ({"metrics": {}}, "", "a completed run needs at least one metric"),
        ({"metrics": {"a\tb": 1.0}}, "/metrics/a\tb", "a name must not contain control characters"),
    ],
)
async def test_fields_are_pointed_at(
    client: httpx.AsyncClient, change: dict[str, Any], pointer: str, message: str
) -> None:
    document = assert_problem(await client.post("/runs", json=GOOD | change), 422, "invalid_request")
    assert document["errors"][0]["pointer"] == pointer
    assert document["errors"][0]["message"].startswith(message)


async def test_at_most_twenty_faults_and_short_names(client: httpx.AsyncClient) -> None:
    body = GOOD | {"x" * 10_000 + str(i): i for i in range(10_000)}
    answer = await client.post("/runs", json=body)
    assert len(assert_problem(answer, 422, "invalid_request")["errors"]) == problems.MAX_FAULTS
    assert len(answer.content) < 10_000


ANY_TEXT = st.text(st.characters())  # lone surrogates and control characters included
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT | st.sampled_from(["dataset", "metrics"]), inner),
)


@given(body=ANY_JSON)
def test_any_body_makes_an_answer_that_is_json(body: Any) -> None:
    """Whatever stands in a body (NaN, lone surrogates, deep nesting), its faults can be sent."""
    for model in (Run, RecommendRequest):
        try:
            TypeAdapter(model).validate_python(body)
        except ValidationError as error:
            faults = problems.faults_of(error.errors(), body, model)
            answer = problems.problem(errors.InvalidRequest("the body is not valid", faults))
            assert json.loads(bytes(answer.body).decode("ascii"))["errors"]


async def test_a_request_id_is_taken_over_only_where_it_is_harmless(client: httpx.AsyncClient) -> None:
    sent = {"X-Request-ID": "job-17.a:b_c"}
    assert (await client.get("/things/1", headers=sent)).headers["x-request-id"] == "job-17.a:b_c"
    for bad in ("", "x" * 129, "a b", 'a"b', "<script>"):
        given_back = (await client.get("/things/1", headers={"X-Request-ID": bad})).headers["x-request-id"]
        assert given_back != bad
        assert len(given_back) == 32


async def test_every_answer_has_the_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/things/1", "/nothing", "/raise/bug"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-security-policy"].startswith("default-src 'none'")
