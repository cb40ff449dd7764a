"""The OpenAPI document says what the service does, well enough to generate clients from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from app.api.problems import MEDIA_TYPE
from app.config import Settings
from app.main import create_app

COMMITTED = Path(__file__).parents[2] / "openapi" / "openapi.json"
DOCUMENT: dict[str, Any] = create_app(Settings()).openapi()


def operations() -> Iterator[Any]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield pytest.param(path, method, operation, id=operation.get("operationId", f"{method} {path}"))


every_operation = pytest.mark.parametrize(("path", "method", "operation"), list(operations()))


def test_the_committed_document_is_the_generated_one() -> None:
    assert COMMITTED.exists(), "there is no openapi/openapi.json; write it with: make openapi"
    assert json.loads(COMMITTED.read_text("utf-8")) == DOCUMENT, "openapi/openapi.json is stale; run: make openapi"


async def test_the_service_answers_with_it(client: httpx.AsyncClient) -> None:
    assert (await client.get("/openapi.json")).json() == DOCUMENT


def test_the_head_is_complete() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert {"title", "version", "summary", "description", "license"} <= DOCUMENT["info"].keys()
    assert DOCUMENT["servers"] == [{"url": "/", "description": "This server"}]
    assert all(tag["description"] for tag in DOCUMENT["tags"])


def test_every_path_of_the_contract_is_there() -> None:
    promised = {
        ("post", "/v1/runs"), ("post", "/v1/runs/batch"), ("get", "/v1/runs"),
        ("get", "/v1/runs/{id}"), ("patch", "/v1/runs/{id}"), ("delete", "/v1/runs/{id}"),
        ("post", "/v1/recommend"), ("get", "/v1/recommendations/{id}"),
        ("post", "/v1/refits"), ("get", "/v1/refits/{id}"),
        ("get", "/v1/meta-learners"), ("get", "/v1/meta-learners/{id}"), ("post", "/v1/meta-learners/{id}/promote"),
        ("get", "/v1/projects"), ("get", "/v1/projects/{name}"), ("put", "/v1/projects/{name}"),
        ("get", "/v1/datasets"), ("get", "/v1/datasets/{name}"), ("put", "/v1/datasets/{name}"),
        ("get", "/v1/keys"), ("post", "/v1/keys"), ("delete", "/v1/keys/{id}"), ("get", "/v1/audit"),
        ("get", "/healthz"), ("get", "/readyz"), ("get", "/metrics"),
    }  # fmt: skip
    there = {(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert promised <= there


@every_operation
def test_an_operation_is_documented(path: str, method: str, operation: dict[str, Any]) -> None:
    assert operation["operationId"].replace("_", "").isalpha()
    assert 0 < len(operation["summary"]) <= 60
    assert len(operation["description"]) > 20
    declared_tags = {tag["name"] for tag in DOCUMENT["tags"]}
    assert len(operation["tags"]) == 1
    assert set(operation["tags"]) <= declared_tags
    assert all(parameter.get("description") for parameter in operation.get("parameters", ()))


@every_operation
def test_an_operation_declares_its_problems(path: str, method: str, operation: dict[str, Any]) -> None:
    answers = operation["responses"]
    problems = {status for status, answer in answers.items() if MEDIA_TYPE in answer.get("content", {})}
    assert problems == {status for status in answers if int(status) >= 400 and path != "/readyz"}
    if path.startswith("/v1/"):
        assert {"422", "503"} <= problems
        assert "requestBody" not in operation or {"400", "413", "415"} <= problems
        assert "{" not in path or method == "put" or "404" in problems


@every_operation
def test_an_operation_says_what_key_it_needs(path: str, method: str, operation: dict[str, Any]) -> None:
    if path in ("/healthz", "/readyz"):
        assert operation["security"] == []
        return
    ((scheme, scopes),) = operation["security"][0].items()
    assert DOCUMENT["components"]["securitySchemes"][scheme]["scheme"] == "bearer"
    assert set(scopes) < {"ingest", "recommend", "read", "admin"}
    assert {"401", "403", "429"} <= operation["responses"].keys()


@every_operation
def test_bodies_have_names_and_examples_that_fit(path: str, method: str, operation: dict[str, Any]) -> None:
    for media in bodies(operation):
        assert "$ref" in media["schema"] or media["schema"]["type"] == "string"
        examples = [media["example"]] if "example" in media else [e["value"] for e in media["examples"].values()]
        assert examples
        for example in examples:
            validator(media["schema"]).validate(example)


def bodies(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What is sent and what comes back if all goes well."""
    yield from operation.get("requestBody", {}).get("content", {}).values()
    for status, answer in operation["responses"].items():
        if int(status) < 400:
            yield from answer.get("content", {}).values()


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def schemas(node: Any) -> Iterator[dict[str, Any]]:
    """Every object in the document, schemas among them."""
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from schemas(inner)


def test_generated_clients_will_be_typed() -> None:
    """Each of these was a defect in a generated client: see app/api/openapi.py."""
    for schema in schemas(DOCUMENT):
        assert "patternProperties" not in schema
        assert schema.get("default") not in ({}, [])
        if schema.get("type") in ("number", "integer"):
            assert schema["format"] == {"number": "double", "integer": "int64"}[schema["type"]]


def test_every_reference_leads_somewhere() -> None:
    references = {schema["$ref"] for schema in schemas(DOCUMENT) if isinstance(schema.get("$ref"), str)}
    named = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert references <= named
    assert named - references == set(), "a schema that nothing uses"
