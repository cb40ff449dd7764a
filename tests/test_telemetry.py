"""Logs are one JSON object a line, carry the request's id, and nothing that a client sent."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator, Iterator
from io import StringIO

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app import telemetry


def line_of(message: str, *arguments: object, **extra: object) -> str:
    record = logging.LogRecord("forerun.test", logging.INFO, __file__, 1, message, arguments, None)
    vars(record).update(extra)
    return telemetry.JsonLines().format(record)


def test_a_line_is_one_json_object_whatever_it_says() -> None:
    line = line_of("bad name %r\n%s", "\ud800", "forged\r\nline \x1b[2J é", duration_seconds=0.5)
    assert line.isascii()
    assert line.isprintable()
    told = json.loads(line)
    assert told["level"] == "info"
    assert told["duration_seconds"] == 0.5
    assert "request_id" not in told


def test_a_traceback_stays_in_its_line() -> None:
    try:
        json.loads("why")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    line = telemetry.JsonLines().format(record)
    assert "\n" not in line
    assert "JSONDecodeError" in json.loads(line)["traceback"]


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    monkeypatch.setattr(sys, "stderr", stream := StringIO())
    telemetry.configure_logging("info")
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


@pytest.fixture
async def client(logged: StringIO) -> AsyncIterator[httpx.AsyncClient]:
    async def hello(request: Request) -> PlainTextResponse:
        logging.getLogger("forerun.test").info("inside")
        return PlainTextResponse("hello")

    app = telemetry.Telemetry(Starlette(routes=[Route("/hello", hello)]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        yield client


async def test_a_request_leaves_one_line_with_its_id(client: httpx.AsyncClient, logged: StringIO) -> None:
    headers = {"X-Request-ID": "job-7", "Authorization": "Bearer secret"}
    await client.get("/hello?token=secret", headers=headers)
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    mine = [line for line in lines if line["logger"].startswith("forerun")]
    assert [line["message"] for line in mine] == ["inside", "GET /hello 200"]
    assert {line["request_id"] for line in mine} == {"job-7"}
    assert mine[1]["status"] == 200
    assert "secret" not in json.dumps(mine)
    assert telemetry.request_id.get() is None


async def test_a_line_told_is_the_line_of_its_record_and_order_is_kept(logged: StringIO) -> None:
    [lines] = [handler for handler in logging.getLogger().handlers if isinstance(handler, telemetry.Lines)]
    token = telemetry.request_id.set("job-8")
    try:
        lines.tell("GET", "/v1/runs/{id}", 404, 0.00125)
        lines.tell("PUT", "/v1/runs/{id}", 405, 1e-06)
        about = {"method": "GET", "route": "/v1/runs/{id}", "status": 404, "duration_seconds": 0.00125}
        logging.getLogger("forerun.http").info("%s %s %d", "GET", "/v1/runs/{id}", 404, extra=about)
    finally:
        telemetry.request_id.reset(token)
    lines.tell("GET", "/healthz", 200, 0.5)
    await asyncio.sleep(0)
    told, other, record, without_id = (json.loads(line) for line in logged.getvalue().splitlines())
    assert list(told) == list(record)
    assert told | {"time": ""} == record | {"time": ""}
    assert (other["message"], other["duration_seconds"]) == ("PUT /v1/runs/{id} 405", 1e-06)
    assert "request_id" not in without_id


async def test_requests_without_an_id_get_different_ones(client: httpx.AsyncClient) -> None:
    ids = {(await client.get("/hello")).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    assert {len(id_) for id_ in ids} == {32}
