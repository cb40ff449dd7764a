"""The API in a process of its own, whose memory and log can be looked at from outside."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from app.demo.client import wait_until_ready
from tests.acceptance.service import ROOT, free_port
from tests.secrets import assert_no_secret

STOP_SECONDS = 30


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
        with httpx.Client(base_url=made.url) as client:
            wait_until_ready(client)
        yield made
    finally:
        child.terminate()
        child.wait(STOP_SECONDS)
    assert_no_secret(log.read_text())
