"""Whatever a request makes anybody write, in whatever thread, carries its id."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from io import StringIO

import httpx
import pytest

from app import telemetry
from tests.flows.test_recommend import request

RUN = {"project": "p", "dataset": "data-5", "state": "completed", "hyperparameters": {"a": 1}, "metrics": {"m": 1.0}}


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    root = logging.getLogger()
    before, level, hook = root.handlers[:], root.level, sys.excepthook
    monkeypatch.setattr(sys, "stderr", stream := StringIO())
    telemetry.configure_logging("debug")
    for chatty in ("asyncio", "sqlalchemy", "httpcore", "httpx"):
        monkeypatch.setattr(logging.getLogger(chatty), "level", logging.WARNING)
    yield stream
    logging.captureWarnings(False)
    root.handlers[:], sys.excepthook = before, hook
    root.setLevel(level)


async def test_every_line_of_a_request_has_its_id(client: httpx.AsyncClient, written: StringIO) -> None:
    asked = [
        ("POST", "/v1/runs", RUN),
        ("POST", "/v1/runs/batch", {"runs": [RUN, {"dataset": 1}]}),
        ("POST", "/v1/runs", {"nonsense": True}),
        ("POST", "/v1/recommend", request().model_dump(mode="json")),
        ("GET", "/v1/runs/nowhere", None),
        ("GET", "/metrics", None),
    ]
    for number, (method, path, body) in enumerate(asked):
        before = len(written.getvalue())
        await client.request(method, path, json=body, headers={"X-Request-ID": f"job-{number}"})
        lines = [json.loads(line) for line in written.getvalue()[before:].splitlines()]
        assert lines, path
        told = [line for line in lines if not line["logger"].startswith("procrastinate")]  # the bell is rung for all
        assert {line.get("request_id") for line in told} == {f"job-{number}"}, lines
        assert told[-1]["logger"] == "forerun.http"
        assert told[-1].keys() >= {"time", "level", "message", "method", "route", "status", "duration_seconds"}


def test_what_ends_the_process_is_one_line_too(written: StringIO) -> None:
    error = RuntimeError("two\nlines")
    sys.excepthook(RuntimeError, error, None)
    [line] = written.getvalue().splitlines()
    told = json.loads(line)
    assert (told["level"], told["message"]) == ("critical", "the process ends")
    assert "RuntimeError: two" in told["traceback"]
