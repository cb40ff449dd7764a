"""The API in a process of its own, whose memory and log can be looked at from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from app.demo.client import wait_until_ready
from tests.acceptance.service import ROOT, free_port
from tests.secrets import assert_no_secret

STOP_SECONDS = 120
COMPILE_SECONDS = 600
"""A minute of work for one core, where nothing is compiled yet; a busy machine takes its time."""


@dataclass(frozen=True)
class Served:
    """A running API."""

    address: tuple[str, int]
    process: psutil.Process
    log: Path

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.address)

    def memory(self) -> int:
        """Resident bytes."""
        resident: int = self.process.memory_info().rss
        return resident

    def client(self, **more: Any) -> httpx.Client:
        """One with the patience that a busy machine asks for; what must be quick is measured."""
        return httpx.Client(base_url=self.url, timeout=60, **more)

    def settle(self) -> None:
        """Wait until all is imported and compiled: from then on, what memory grows by is due to requests."""
        deadline = time.monotonic() + COMPILE_SECONDS
        with self.client() as client:
            while "forerun_search_ready 1.0" not in client.get("/metrics").text:
                assert time.monotonic() < deadline, self.log.read_text()[-2_000:]
                time.sleep(0.5)


@contextmanager
def served(database_url: str, directory: Path, **more: str) -> Iterator[Served]:
    """`forerun serve` over this database, without a worker and with `more` settings; gone afterwards."""
    address = ("127.0.0.1", free_port())
    settings = {"DATABASE_URL": database_url, "DATA_DIR": str(directory), "PORT": str(address[1]), "WORKER": "false"}
    environment = os.environ | {f"FORERUN_{name}": value for name, value in (settings | more).items()}
    log = directory / "api.log"
    with log.open("wb") as sink:
        command = [sys.executable, "-m", "app.cli", "serve"]
        child = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
    try:
        made = Served(address, psutil.Process(child.pid), log)
        with made.client() as client:
            wait_until_ready(client, STOP_SECONDS)
        yield made
    finally:
        child.terminate()
        child.wait(STOP_SECONDS)
    assert_no_secret(log.read_text())
