"""Starting and stopping as it happens to people: Ctrl-C, kill -9, a taken port, a database that is not there."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator

import psutil
import pytest

from app.demo import client as api
from tests.acceptance.service import Service, service

RUN = {
    "run_id": "before-the-end",
    "dataset": "iris",
    "state": "completed",
    "hyperparameters": {"C": 1.0},
    "metrics": {"accuracy": 0.9},
}


@pytest.fixture
def server() -> Iterator[Service]:
    with service() as made:
        yield made


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_no_process_behind(server: Service, name: signal.Signals) -> None:
    server.start()
    assert len(server.processes()) >= 3  # the API, its worker, the database
    assert server.signal(name) == 0
    assert server.processes() == []


def test_after_kill_9_of_everything_the_next_start_serves_the_same_data(server: Service) -> None:
    server.start()
    with server.client() as client:
        posted = api.post_run(client, "default", RUN)
    server.kill_everything()
    assert server.processes() == []
    server.start()
    with server.client() as client:
        assert api.call(client, "GET", f"/v1/runs/{posted['id']}")["metrics"] == RUN["metrics"]
        assert api.post_run(client, "default", RUN) == {**posted, "status": "duplicate"}
    assert server.signal(signal.SIGINT) == 0
    assert server.processes() == []


def test_when_the_api_alone_is_killed_the_rest_ends_by_itself(server: Service) -> None:
    server.start()
    wait_for_worker(server)
    server.signal(signal.SIGKILL)
    assert server.ends()


def test_a_killed_worker_is_replaced(server: Service) -> None:
    server.start()
    first = wait_for_worker(server)
    first.kill()
    first.wait(10)
    assert wait_for_worker(server).pid != first.pid


def wait_for_worker(server: Service) -> psutil.Process:
    """The worker, once it holds the database as well."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for process in server.processes():
            if "worker" in process.cmdline() and any("handles.lock" in file.path for file in process.open_files()):
                return process
        time.sleep(0.05)
    raise AssertionError("there is no worker")


def test_a_second_start_is_quick(server: Service) -> None:
    server.start()
    server.signal(signal.SIGINT)
    started = time.monotonic()
    server.start()
    assert time.monotonic() - started < 5.0


def test_a_taken_port_is_told_and_nothing_is_started(server: Service) -> None:
    with service() as other:
        other.port = server.port
        server.start()
        other.launch()
        assert other.process is not None
        assert other.process.wait(20) == 1
        said = other.log.read_text()
    assert re.search(rf"cannot listen on 127.0.0.1,\s+port {server.port}.*FORERUN_PORT", said, re.DOTALL)
    assert "Traceback" not in said


def test_a_database_that_never_answers_is_told(server: Service) -> None:
    server.environment |= {
        "FORERUN_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "FORERUN_DATABASE_WAIT_SECONDS": "0",
    }
    server.launch()
    assert server.process is not None
    assert server.process.wait(20) == 1
    assert "database" in server.log.read_text()
    assert "Traceback" not in server.log.read_text()
