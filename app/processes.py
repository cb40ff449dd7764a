"""A process beside this one: started again when it dies, ended when this one ends, however this one ends."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType

log = logging.getLogger(__name__)

RESTART_SECONDS = 1.0
"""Between the death of a companion and its next start, so that one that cannot start does not spin."""
POLL_SECONDS = 0.1
ENDING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def companion(command: Sequence[str], environment: Mapping[str, str], stop_seconds: float) -> Iterator[None]:
    """Keep `command` running for as long as the block runs; then SIGTERM, and SIGKILL after `stop_seconds`.

    The command's standard input is a pipe that only we hold: the kernel closes it when we are killed, and a command
    that called `end_with_parent` stops at that. It has a session of its own, so that Ctrl-C reaches it through us.
    """
    leaving = threading.Event()

    def keep() -> None:
        while True:
            with _start(command, environment) as process:
                while process.poll() is None:
                    if leaving.wait(POLL_SECONDS):
                        return _stop(process, stop_seconds)
            if leaving.wait(RESTART_SECONDS):
                return None
            log.warning("%s ended with %d and is started again", " ".join(command[1:]), process.returncode)

    keeper = threading.Thread(target=keep, name="companion-keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        leaving.set()
        keeper.join()


def _start(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    merged = {**os.environ, **environment}
    return subprocess.Popen(command, stdin=subprocess.PIPE, env=merged, start_new_session=True)  # noqa: S603  # ours


def _stop(process: subprocess.Popen[bytes], stop_seconds: float) -> None:
    process.terminate()
    try:
        process.wait(stop_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def end_with_parent(stop_seconds: float) -> None:
    """Send ourselves SIGTERM when standard input ends, that is when the process that holds it is gone.

    Whoever has not ended `stop_seconds` later is ended at once.
    """

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        deadline = time.monotonic() + stop_seconds
        while time.monotonic() <= deadline:
            os.kill(os.getpid(), signal.SIGTERM)  # again and again: an exception can be lost in a callback
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watcher", daemon=True).start()


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM does what Ctrl-C does: the block is left by KeyboardInterrupt."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {name: signal.signal(name, interrupt) for name in ENDING}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


class Undisturbed(ExitStack):
    """Leaves what was entered without hearing further signals: an impatient Ctrl-C must not leave a process behind."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        before = {name: signal.signal(name, signal.SIG_IGN) for name in ENDING}
        try:
            return super().__exit__(kind, error, trace)
        finally:
            for name, handler in before.items():
                signal.signal(name, handler)
