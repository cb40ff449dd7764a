"""A real `forerun serve` in a process of its own, as an operator would start it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from app.demo.client import wait_until_ready
from tests.secrets import assert_no_secret

ROOT = Path(__file__).parents[2]
STOP_SECONDS = 120.0
"""What a busy machine may take; a service that hangs takes for ever."""


@dataclass
class Service:
    """Started and stopped at will, over one data directory."""

    data_dir: Path
    port: int
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, command: str = "serve") -> None:
        self.launch(command)
        with self.client() as client:
            wait_until_ready(client, STOP_SECONDS)

    def launch(self, command: str = "serve") -> None:
        environment = os.environ | self.environment | {"FORERUN_DATA_DIR": str(self.data_dir)}
        arguments = [sys.executable, "-m", "app.cli", command, "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                arguments, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60.0)

    def signal(self, name: signal.Signals) -> int:
        """Send a signal to the process that was started, and give its exit status."""
        assert self.process is not None
        self.process.send_signal(name)
        return self.process.wait(STOP_SECONDS)

    def kill_everything(self) -> None:
        """The power goes: every process at once, with no chance to say goodbye."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        assert self.process is not None
        self.process.wait(STOP_SECONDS)

    def processes(self) -> list[psutil.Process]:
        """All that belongs to the service, by its data directory: in the environment, or as working directory."""
        return [process for process in psutil.process_iter() if self._owns(process)]

    def _owns(self, process: psutil.Process) -> bool:
        mine = str(self.data_dir)
        try:
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                return False
            settings = process.environ() if process.name().startswith("python") else {}
            return settings.get("FORERUN_DATA_DIR") == mine or process.cwd().startswith(mine)
        except psutil.Error:
            return False

    def ends(self, seconds: float = STOP_SECONDS) -> bool:
        """Whether the last process is gone in time."""
        deadline = time.monotonic() + seconds
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.05)
        return not self.processes()


@contextmanager
def service(**environment: str) -> Iterator[Service]:
    """A service that is not started yet, over an empty directory; nothing of it is left afterwards."""
    data_dir = Path(tempfile.mkdtemp(prefix="forerun-test-"))
    data_dir.chmod(0o711)  # the database's own user has to pass
    made = Service(data_dir, free_port(), data_dir / "service.log", environment)
    try:
        yield made
    finally:
        if made.process is not None:
            made.kill_everything()
            assert_no_secret(made.log.read_text())
        shutil.rmtree(data_dir, ignore_errors=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
