"""Starting and stopping as it happens to people: Ctrl-C, kill -9, a taken port, a database that is not there."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from app.demo import client as api
from tests.acceptance.service import ROOT, STOP_SECONDS, Service, service

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


def test_signals_leave_no_process_behind_and_the_second_start_is_quick(server: Service) -> None:
    server.start()
    assert len(server.processes()) >= 3  # the API, its worker, the database
    tells_that_its_port_is_taken(server.port)
    assert server.signal(signal.SIGINT) == 0
    assert server.processes() == []

    imports = seconds_to_import()
    started = time.monotonic()
    server.start()
    took = time.monotonic() - started
    assert took < max(5.0, 2.5 * max(imports, seconds_to_import()))
    assert server.signal(signal.SIGTERM) == 0
    assert server.processes() == []


def tells_that_its_port_is_taken(port: int) -> None:
    with service() as other:
        other.port = port
        other.launch()
        assert other.process is not None
        assert other.process.wait(STOP_SECONDS) == 1
        assert re.search(rf"cannot listen on 127.0.0.1, port {port} .* FORERUN_PORT", other.log.read_text())
        assert "Traceback" not in other.log.read_text()
        assert not (other.data_dir / "postgres").exists()


def seconds_to_import() -> float:
    """How long the imports of a start alone take, on this machine and in its present mood."""
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", "import app.main"], check=True, cwd=ROOT)
    return time.monotonic() - started


def test_nothing_that_is_killed_takes_anything_with_it(server: Service) -> None:
    # Everything at once: the next start serves the same data.
    server.start()
    with server.client() as client:
        posted = api.post_run(client, "default", RUN)
    server.kill_everything()
    assert server.processes() == []
    server.start()
    with server.client() as client:
        assert api.call(client, "GET", f"/v1/runs/{posted['id']}")["metrics"] == RUN["metrics"]
        assert api.post_run(client, "default", RUN) == {**posted, "status": "duplicate"}

    # The worker alone: it is replaced.
    first = wait_for_worker(server)
    first.kill()
    first.wait(STOP_SECONDS)
    assert wait_for_worker(server).pid != first.pid

    # The API alone: the worker notices, leaves, and stops the database as the last one.
    server.signal(signal.SIGKILL)
    assert server.ends()


def wait_for_worker(server: Service) -> psutil.Process:
    """The worker, once it holds the database as well."""
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        for process in server.processes():
            if "worker" in process.cmdline() and any("handles.lock" in file.path for file in process.open_files()):
                return process
        time.sleep(0.05)
    raise AssertionError("there is no worker")


def test_a_database_that_never_answers_is_told(server: Service) -> None:
    server.environment |= {
        "FORERUN_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "FORERUN_DATABASE_WAIT_SECONDS": "0",
    }
    server.launch()
    assert server.process is not None
    assert server.process.wait(STOP_SECONDS) == 1
    assert "database" in server.log.read_text()
    assert "Traceback" not in server.log.read_text()
