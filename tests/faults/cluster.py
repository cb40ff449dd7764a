"""Several API processes and several workers on one database, as an operator starts them on several machines."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from app.demo.client import wait_until_ready
from tests.acceptance.service import ROOT, free_port
from tests.secrets import assert_no_secret

STOP_SECONDS = 40.0


@dataclass
class Api:
    """One process of the API, and a client that asks this one only."""

    port: int
    process: psutil.Popen
    client: httpx.Client

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(STOP_SECONDS)


@dataclass
class Cluster:
    """All of its processes; they know of each other only through the database."""

    environment: dict[str, str]
    log: Path
    apis: list[Api] = field(default_factory=list)
    workers: list[psutil.Popen] = field(default_factory=list)

    def launch_api(self, port: int | None = None) -> Api:
        port = port or free_port()
        process = self._launch("serve", "--no-worker", "--port", str(port))
        api = Api(port, process, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60.0))
        self.apis.append(api)
        return api

    def restart(self, api: Api) -> None:
        """A new process in the place of one that was killed."""
        api.process = self._launch("serve", "--no-worker", "--port", str(api.port))
        wait_until_ready(api.client)

    def launch_worker(self) -> psutil.Popen:
        self.workers.append(self._launch("worker"))
        return self.workers[-1]

    def kill_worker(self, worker: psutil.Popen) -> None:
        """The worker alone: the process of its refit ends by itself, or is told that it has lost its lease."""
        worker.kill()
        worker.wait(STOP_SECONDS)
        self.workers.remove(worker)

    def end(self) -> None:
        for process in [*self.workers, *(api.process for api in self.apis)]:
            if process.is_running():
                for each in (*process.children(recursive=True), process):
                    each.kill()
            process.wait(STOP_SECONDS)

    def _launch(self, *arguments: str) -> psutil.Popen:
        with self.log.open("ab") as log:
            return psutil.Popen(
                [sys.executable, "-m", "app.cli", *arguments],
                cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip


@contextmanager
def cluster(log: Path, apis: int, workers: int, **settings: str) -> Iterator[Cluster]:
    """So many of each, the API processes ready; all are gone afterwards."""
    with ExitStack() as stack:
        made = Cluster({**os.environ, **settings}, log)
        stack.callback(lambda: assert_no_secret(log.read_text()))
        stack.callback(made.end)
        for _ in range(workers):
            made.launch_worker()
        for _ in range(apis):
            stack.callback(made.launch_api().client.close)
        for api in made.apis:
            wait_until_ready(api.client)
        yield made


def n_refitting(worker: psutil.Popen) -> int:
    """How many refits it has a process for."""
    try:
        return len(worker.children())
    except psutil.NoSuchProcess:
        return 0
