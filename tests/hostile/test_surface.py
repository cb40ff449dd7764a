"""What every answer says to a browser: nothing may be framed, sniffed, read by another site, or scripted."""

from __future__ import annotations

import httpx
import pytest

from app.web import docs
from tests.hostile.served import Served

REQUESTS = [
    ("GET", "/"),
    ("GET", "/docs"),
    *(("GET", f"/docs/{name}") for name in docs.ASSETS),
    ("GET", "/openapi.json"),
    ("GET", "/healthz"),
    ("GET", "/metrics"),
    ("GET", "/v1/runs"),
    ("GET", "/v1/runs?limit=0"),
    ("GET", "/v1/nothing"),
    ("POST", "/v1/runs"),
    ("PUT", "/v1/runs"),
    ("OPTIONS", "/v1/runs"),
    ("HEAD", "/docs"),
]
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
FOREIGN = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}


@pytest.mark.parametrize(("method", "path"), REQUESTS, ids=[" ".join(request) for request in REQUESTS])
def test_every_answer_has_the_security_headers(method: str, path: str, victim: Served) -> None:
    with victim.client() as client:
        answer = client.request(method, path, headers=FOREIGN)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    policy = _policy(answer)
    assert policy["default-src"] == ["'none'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert policy.get("script-src", ["'self'"]) == ["'self'"]
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert "server" not in answer.headers
    assert "set-cookie" not in answer.headers


def test_pages_hold_no_script_of_their_own(victim: Served) -> None:
    with victim.client() as client:
        page = client.get("/docs").text
    assert "<script>" not in page
    assert "onload=" not in page
    assert "javascript:" not in page
    assert "http://" not in page
    assert "https://" not in page


def _policy(answer: httpx.Response) -> dict[str, list[str]]:
    directives = (part.split() for part in answer.headers["content-security-policy"].split(";"))
    return {name: values for name, *values in directives}


def test_names_are_shown_as_data(victim: Served) -> None:
    """As JSON that no browser takes for a page, byte for byte what was sent."""
    name = "<script>alert(1)</script>'; drop table runs;--"
    run = {"project": name, "dataset": name, "state": "completed", "metrics": {name: 1.0}, "tags": {name: name}}
    with victim.client() as client:
        stored = client.post("/v1/runs", json=run).raise_for_status().json()
        shown = client.get(f"/v1/runs/{stored['id']}")
        assert shown.headers["content-type"] == "application/json"
        assert {**shown.json(), "dataset": name}.items() >= run.items()
        for path in ("/v1/runs", "/v1/datasets", "/v1/projects"):
            assert name in client.get(path).text
        assert client.get("/v1/datasets", params={"project": name}).json()["datasets"][0]["name"] == name


def test_a_foreign_recommendation_is_told_like_one_that_does_not_exist(victim: Served) -> None:
    question = {
        "project": "mine",
        "dataset": "d",
        "objectives": [{"metric": "m", "direction": "maximize"}],
        "search_space": {"parameters": {"x": [1, 2]}},
    }
    answers = []
    with victim.client() as client:
        foreign = client.post("/v1/recommend", json=question).raise_for_status().json()["recommendation_id"]
        for identifier in (foreign, "019c0000-0000-7000-8000-000000000000"):
            run = {"project": "yours", "dataset": "d", "state": "failed", "recommendation_id": identifier}
            answer = client.post("/v1/runs", json=run)
            assert answer.status_code == 422
            answers.append({key: value for key, value in answer.json().items() if key != "request_id"})
    assert answers[0] == answers[1]
