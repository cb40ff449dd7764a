"""What the hand-written layer adds: patience, exceptions, batches, and posting that never waits."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest

from forerun_client import AsyncForerun, Fault, Forerun, Posted, Refused, courier
from forerun_client.command import main
from forerun_client.generated.api.runs import patch_run
from forerun_client.generated.models import RunPatch
from tests.acceptance.service import ROOT, free_port
from tests.clients.scripted import PROBLEM, Script, scripted

RUN: dict[str, Any] = {"dataset": "iris", "state": "completed", "metrics": {"accuracy": 0.9}}
BUSY = (503, {"Retry-After": "7"}, {})
REFUSAL = (
    422,
    PROBLEM,
    {
        "status": 422,
        "code": "invalid_request",
        "detail": "2 faults",
        "errors": [{"pointer": "/metrics/accuracy", "message": "input should be a valid number"}],
        "request_id": "r1",
    },
)


@pytest.fixture
def server() -> Iterator[Script]:
    with scripted() as script:
        yield script


@pytest.fixture
def client(server: Script, tmp_path: Path) -> Iterator[Forerun]:
    with Forerun(server.url, "fr_key", spool=tmp_path / "spool") as client:
        yield client


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the retries would have waited."""
    seconds: list[float] = []

    async def asleep(waited: float) -> None:
        seconds.append(waited)

    # the names in this module alone: servers in other threads go on sleeping
    monkeypatch.setattr("httpx_retries.retry.time", SimpleNamespace(sleep=seconds.append))
    monkeypatch.setattr("httpx_retries.retry.asyncio", SimpleNamespace(sleep=asleep))
    return seconds


# ---------------------------------------------------------------- patience and exceptions


def test_a_busy_service_is_asked_again_when_it_says(client: Forerun, server: Script, slept: list[float]) -> None:
    server.answers = [BUSY, (429, {"Retry-After": "3"}, {})]
    assert client.post(RUN).status == "created"
    assert slept == [7.0, 3.0]
    first, *again = [server.next() for _ in range(3)]
    assert b'"run_id"' in first.body  # without it the second one might be a second run
    assert all(asked.body == first.body for asked in again)
    assert first.headers["Authorization"] == "Bearer fr_key"


def test_without_a_hint_the_pauses_grow_and_differ(client: Forerun, server: Script, slept: list[float]) -> None:
    server.answers = [(503, {}, {})] * 4
    client.post(RUN)
    longest = [1.0, 2.0, 4.0, 8.0]
    assert len(slept) == 4
    assert all(0 <= pause <= most for pause, most in zip(slept, longest, strict=True))
    assert slept != longest


def test_patience_has_an_end(client: Forerun, server: Script, slept: list[float]) -> None:
    server.answers = [BUSY] * 99
    with pytest.raises(Refused, match="503"):
        client.post(RUN)
    assert len(slept) == 5


def test_nobody_there_is_told_after_the_retries(tmp_path: Path, slept: list[float]) -> None:
    with Forerun(f"http://127.0.0.1:{free_port()}", spool=tmp_path) as client, pytest.raises(httpx.ConnectError):
        client.post(RUN)
    assert len(slept) == 5


def test_an_amendment_is_sent_once(client: Forerun, server: Script) -> None:
    server.answers = [BUSY]
    with pytest.raises(Refused):
        patch_run.sync(UUID(int=1), client=client.api, body=RunPatch(state="completed"))
    assert server.next().method == "PATCH"
    assert server.asked.empty()


def test_a_refusal_says_what_and_where(client: Forerun, server: Script) -> None:
    server.answers = [REFUSAL]
    with pytest.raises(Refused) as refused:
        client.post(RUN)
    error = refused.value
    assert (error.status, error.code, error.request_id) == (422, "invalid_request", "r1")
    assert error.faults == (Fault("/metrics/accuracy", "input should be a valid number"),)
    assert str(error) == "422 invalid_request: 2 faults; /metrics/accuracy: input should be a valid number"


def test_a_proxys_error_page_is_a_refusal_too(client: Forerun, server: Script) -> None:
    server.answers = [(403, {"Content-Type": "text/html"}, "<html>no</html>")]
    with pytest.raises(Refused, match="403 not_a_problem: Forbidden"):
        client.recommend(dataset="iris")


async def test_the_asynchronous_client_is_as_patient(server: Script, tmp_path: Path, slept: list[float]) -> None:
    server.answers = [BUSY, REFUSAL]
    async with AsyncForerun(server.url, spool=tmp_path) as client:
        with pytest.raises(Refused, match="/metrics/accuracy"):
            await client.post(RUN)
        assert slept == [7.0]
        assert await client.post_many(RUN for _ in range(1001)) == Posted(created=1001)
        async with client.run(dataset="iris") as run:
            run.log(accuracy=1.0)
    posted = [server.next() for _ in range(5)]
    assert [len(asked.lines()) for asked in posted[2:]] == [1000, 1, 1]


def test_many_runs_go_in_batches_and_the_places_of_refused_ones_are_kept(client: Forerun, server: Script) -> None:
    error = {"code": "invalid_request", "detail": "no", "errors": []}
    refused = {"results": [{"index": 7, "status": "rejected", "error": error}]}
    counts = {"created": 999, "duplicates": 1, "rejected": 1, "results_omitted": 0}
    server.answers = [(200, {}, counts | {"results": []}), (200, {}, counts | refused)]
    posted = client.post_many({**RUN, "run_id": f"r{i}"} for i in range(2500))
    assert [len(server.next().lines()) for _ in range(3)] == [1000, 1000, 500]
    assert (posted.created, posted.duplicates, [result.index for result in posted.refused]) == (2498, 2, [1007])


# ---------------------------------------------------------------- without waiting


def test_a_run_submitted_while_nobody_is_there_arrives_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(courier, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(courier, "LONGEST_PAUSE_SECONDS", 0.05)
    port = free_port()
    with Forerun(f"http://127.0.0.1:{port}", spool=tmp_path) as client:
        run_id = client.submit(RUN)
        assert client.spool.pending_runs() == 1
        with scripted(port) as server:
            (posted,) = server.next().lines()
    assert posted == {**RUN, "run_id": run_id}
    assert client.spool.pending_runs() == 0
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) <= 1  # not one a try


def test_a_service_that_refuses_for_now_keeps_the_runs_on_disk(client: Forerun, server: Script) -> None:
    server.answers = [(401, PROBLEM, {"code": "unauthorized", "detail": "a valid API key is needed", "errors": []})]
    client.spool.append(b'{"run_id": "kept"}\n')
    with pytest.raises(Refused, match="unauthorized"):
        client.flush()
    assert client.spool.pending_runs() == 1
    assert client.flush() == 1


SCRIPT = """
import os, sys
from forerun_client import Forerun
client = Forerun(sys.argv[1], spool=sys.argv[2])
client.submit({"dataset": "iris", "state": "failed", "run_id": "parent"})
if "fork" in sys.argv and os.fork() == 0:
    client.submit({"dataset": "iris", "state": "failed", "run_id": "child"})
    client.close()
    os._exit(0)
if "fork" in sys.argv:
    os.wait()
"""


@pytest.mark.parametrize("more", [[], ["fork"]])
def test_a_script_that_ends_at_once_delivers_first(server: Script, tmp_path: Path, more: list[str]) -> None:
    command = [sys.executable, "-c", SCRIPT, server.url, str(tmp_path), *more]
    subprocess.run(command, cwd=ROOT / "openapi" / "python", check=True, timeout=300)
    delivered = [server.asked.get_nowait() for _ in range(server.asked.qsize())]
    ids = {run["run_id"] for asked in delivered for run in asked.lines()}
    assert ids == ({"parent", "child"} if more else {"parent"})


def test_a_script_that_ends_while_nobody_is_there_leaves_its_run_on_disk(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, f"http://127.0.0.1:{free_port()}", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT / "openapi" / "python", check=True, timeout=300, capture_output=True, text=True
    )
    assert "stay in" in done.stderr
    with scripted() as server, Forerun(server.url, spool=tmp_path) as client:
        assert client.flush() == 1
        assert server.next().lines()[0]["run_id"] == "parent"


# ---------------------------------------------------------------- forerun-client


def test_the_spool_is_looked_at_and_delivered_by_hand(
    server: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    where = ["--spool", str(tmp_path)]
    with Forerun(server.url, spool=tmp_path) as client:
        client.spool.append(b'{"run_id": "waiting"}\n')
    monkeypatch.setenv("FORERUN_URL", server.url)
    assert main(["status", *where]) == 0
    assert capsys.readouterr().out == f"1 runs (22 bytes) wait in {tmp_path}{os.linesep}"
    assert main(["flush", "--url", f"http://127.0.0.1:{free_port()}", *where]) == 1
    assert "refused" in capsys.readouterr().err.lower()
    assert main(["flush", *where]) == 0
    assert capsys.readouterr().out.startswith(f"1 runs delivered to {server.url}")
    assert server.next().lines() == [{"run_id": "waiting"}]
