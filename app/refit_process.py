"""The processes that a worker has do its work: refits, help with them, tidying.

Such a process can be killed at any moment, runs at low priority, gives its memory back when it ends, and takes nobody
with it when it dies. `python -m app.refit_process REFIT PROJECT ATTEMPT` runs a refit, `... help REFIT` fits members of
another worker's, `... ready` hears on its standard input which of these it is to do, `... tidy` folds runs and lets
expired ones go; only a worker starts them.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from uuid import UUID

from app.config import Settings
from app.processes import end_with_parent
from app.store.database import Database, connect
from app.store.refits import Attempt
from app.telemetry import configure_logging
from app.tracing import configure_tracing, flush_traces

log = logging.getLogger(__name__)

STATEMENT_SECONDS = 600.0
"""A refit reads the history of a large project in one statement."""
NICE = 10
READY = "ready"


class Processes:
    """Processes that do the work: each is killed if its work is cancelled, and nothing it did counts then.

    After a refit one is kept ready for the next: to import what it needs takes longer than an increment.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ready: asyncio.subprocess.Process | None = None
        self._preparing = asyncio.Lock()

    async def refit(self, attempt: Attempt) -> None:
        """Run a refit, or as much of it as there is to be run."""
        await self.run(str(attempt.refit_id), str(attempt.project_id), str(attempt.number))

    async def run(self, *job: str) -> None:
        """Run a refit or help with one, in the process that is ready if there is one."""
        process, self._ready = self._ready, None
        if process is None or process.returncode is not None:
            process = await self._begin(*job)
        else:
            assert process.stdin is not None
            process.stdin.write(" ".join(job).encode() + b"\n")
        await _ended(process, job)
        async with self._preparing:
            self._ready = self._ready or await self._begin(READY)

    async def tidy(self) -> None:
        """Fold runs and let expired ones go."""
        await _ended(await self._begin("tidy"), ["tidy"])

    async def close(self) -> None:
        """Let go of the process that is ready."""
        if self._ready is not None:
            await _kill(self._ready)

    async def _begin(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app.refit_process", *arguments),
            stdin=asyncio.subprocess.PIPE,  # closed by the kernel when we die, which ends it
            env={**os.environ, **self._settings.as_environment()},
            start_new_session=True,  # Ctrl-C is for us to handle
        )


async def _ended(process: asyncio.subprocess.Process, job: Sequence[str]) -> None:
    try:
        if status := await process.wait():
            log.error("the process of %s ended with %d", " ".join(job), status)
    finally:
        await _kill(process)


async def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _wait_here() -> None:
    """What a process does that is ready: all that a refit imports is there when it hears which one it is."""
    from app.flows import members, refit  # noqa: F401  # they are used below, once they are imported

    if job := sys.stdin.readline().split():  # else whoever would tell is gone
        _work_here(*job)


def _work_here(*job: str) -> None:
    end_with_parent(0)
    if job[0] == "help":
        _help_here(*job[1:])
    elif job[0] == "tidy":
        _tidy_here()
    else:
        _refit_here(*job)


def _refit_here(refit_id: str, project_id: str, number: str) -> None:
    """What the process of a refit does."""
    from app.flows.refit import refit  # the maths is imported nowhere else in a worker: it takes seconds and memory

    _flow_here(lambda database, own: refit(database, Attempt(UUID(refit_id), int(project_id), int(number)), own))


def _help_here(refit_id: str) -> None:
    """What the process of a helper does."""
    from app.flows.members import help_with

    _flow_here(lambda database, own: help_with(database, UUID(refit_id), own))


def _tidy_here() -> None:
    """What the process that tidies does."""
    from app.flows.tidy import tidy_all

    _flow_here(lambda database, _: tidy_all(database))


def _flow_here(flow: Callable[[Database, Settings], Awaitable[object]]) -> None:
    settings = Settings()
    configure_logging(settings.log_level)
    configure_tracing()

    async def run() -> None:
        database = database_of(settings)
        try:
            await flow(database, settings)
        finally:
            await database.close()

    asyncio.run(run())
    flush_traces()
    os._exit(0)  # a refit that was taken from us may still be learning in its thread


def database_of(settings: Settings) -> Database:
    if settings.database_url is None:
        raise RuntimeError("a worker needs a database_url; `forerun worker` provides the embedded database's")
    return connect(
        settings.database_url,
        pooled=settings.database_pooled,
        pool_size=settings.refit_concurrency + 2,
        connect_timeout_seconds=settings.connect_timeout_seconds,
        statement_timeout_seconds=STATEMENT_SECONDS,
        lock_timeout_seconds=settings.lock_timeout_seconds,
    )


if __name__ == "__main__":
    os.nice(NICE)
    if sys.argv[1:] == [READY]:
        _wait_here()
    else:
        _work_here(*sys.argv[1:])
