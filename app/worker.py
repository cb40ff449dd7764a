"""The worker: listens to the queue, keeps things up, and runs each refit in a process of its own.

A refit's process can be killed at any moment, runs at low priority, gives its memory back when it ends, and takes
nobody with it when it dies. `python -m app.worker REFIT PROJECT ATTEMPT` is that process, `python -m app.worker help
REFIT` one that fits members of another worker's refit, `python -m app.worker tidy` one that folds runs and lets
expired ones go; only a worker starts them.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

from procrastinate import App
from procrastinate.exceptions import ConnectorException
from psycopg_pool import PoolTimeout

from app.config import Settings
from app.errors import Unavailable
from app.flows import upkeep
from app.processes import end_with_parent
from app.store import jobs, members, refits
from app.store.database import Database, connect
from app.store.refits import Attempt, LeaseLost
from app.telemetry import configure_logging
from app.tracing import configure_tracing, flush_traces

log = logging.getLogger(__name__)

RunRefit: TypeAlias = Callable[[Attempt, Settings], Awaitable[None]]

RECONNECT_SECONDS = 1.0
POLL_SECONDS = 0.1
"""How late a job may start that was scheduled for a time, or any where a pooler keeps NOTIFY from us."""
STATEMENT_SECONDS = 600.0
"""A refit reads the history of a large project in one statement."""
START_SECONDS = 120.0
"""What the process of a refit gets to show its first sign of life."""
NICE = 10


def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; then running refits get `refit_stop_seconds` before they are handed back."""

    async def until_signal() -> None:
        stop = asyncio.Event()
        with _signals(stop):
            await work(settings, stop)

    asyncio.run(until_signal())


async def work(settings: Settings, stop: asyncio.Event, run_refit: RunRefit | None = None) -> None:
    """Work until `stop` is set; a database that is lost is waited for, and running refits go on meanwhile."""
    database = _database(settings)
    crew = _Crew(database, settings, run_refit or run_in_process)
    try:
        while not stop.is_set():
            try:
                await _first_of(stop.wait(), _listen(crew))
            except (ConnectorException, PoolTimeout, Unavailable) as error:
                log.warning("the queue cannot be reached and is tried again: %s", error)
            await _first_of(stop.wait(), asyncio.sleep(RECONNECT_SECONDS))
        await crew.leave()
    finally:
        await database.close()


# ---------------------------------------------------------------- refits


@dataclass
class _Crew:
    """The refits of this worker. They outlive the jobs that rang for them, and so a loss of the queue."""

    database: Database
    settings: Settings
    run_refit: RunRefit
    running: set[asyncio.Task[None]] = field(default_factory=set)
    tidying: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self._places = asyncio.Semaphore(self.settings.refit_concurrency)

    async def take(self, refit_id: UUID) -> None:
        """Run a refit if it is still to be run; returns when it has ended."""
        await asyncio.shield(self._begin(self._take(refit_id)))

    async def help(self, refit_id: UUID) -> None:
        """Help with a refit that another worker runs, if it still runs."""
        async with self.database.snapshot() as connection:
            wanted = await members.any_waits(connection, refit_id)
        if wanted:
            await _in_process(self.settings, "help", str(refit_id))

    async def tidy(self) -> None:
        """Have projects tidied that need it, unless that is under way; nobody waits for it."""
        under_way = self.tidying is not None and not self.tidying.done()
        if not under_way and await upkeep.untidy(self.database):
            self.tidying = self._begin(_in_process(self.settings, "tidy"))

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self.running.add(task)
        task.add_done_callback(self.running.discard)
        return task

    async def leave(self) -> None:
        """Let the running refits end if they do so soon; hand the others back."""
        if self.running:
            await asyncio.wait(self.running, timeout=self.settings.refit_stop_seconds)
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)

    async def _take(self, refit_id: UUID) -> None:
        async with self._places:
            async with self.database.transaction() as connection:
                attempt = await refits.start(connection, refit_id)
            if attempt is None:
                return
            vouching = asyncio.create_task(self._vouch(attempt))
            try:
                await self.run_refit(attempt, self.settings)
            finally:
                vouching.cancel()
                await self._settle(attempt)

    async def _vouch(self, attempt: Attempt) -> None:
        """Keep the lease until the refit does, which on a busy machine takes its process longer than a lease."""
        for _ in range(math.ceil(START_SECONDS / self.settings.refit_heartbeat_seconds)):
            await asyncio.sleep(self.settings.refit_heartbeat_seconds)
            with suppress(Unavailable):
                async with self.database.transaction() as connection:
                    if not await refits.vouch(connection, attempt):
                        return

    async def _settle(self, attempt: Attempt) -> None:
        """Give back what was not finished, and see to the project's next refit."""
        with suppress(Unavailable):  # the lease runs out, and `recover` does the same
            with suppress(LeaseLost):  # as it should be: it is finished
                async with self.database.transaction() as connection:
                    await refits.give_back(connection, attempt, self.settings.refit_max_attempts)
            await upkeep.follow_up(self.database, attempt.project_id, self.settings)


async def run_in_process(attempt: Attempt, settings: Settings) -> None:
    """Run a refit in a process of its own, which is killed if this is cancelled: nothing it did counts then."""
    await _in_process(settings, str(attempt.refit_id), str(attempt.project_id), str(attempt.number))


async def _in_process(settings: Settings, *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.worker", *arguments),
        stdin=asyncio.subprocess.PIPE,  # closed by the kernel when we die, which ends it
        env={**os.environ, **settings.as_environment()},
        start_new_session=True,  # Ctrl-C is for us to handle
    )
    try:
        if status := await process.wait():
            log.error("the process of %s ended with %d", " ".join(arguments), status)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


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
        database = _database(settings)
        try:
            await flow(database, settings)
        finally:
            await database.close()

    asyncio.run(run())
    flush_traces()
    os._exit(0)  # a refit that was taken from us may still be learning in its thread


def _database(settings: Settings) -> Database:
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


# ---------------------------------------------------------------- the queue


async def _listen(crew: _Crew) -> None:
    """Take jobs until cancelled or the queue is lost. Two workers: small work never waits behind a refit."""
    async with crew.database.transaction():
        pass  # tells at once that there is no database, which the queue's pool would take half a minute to find out
    app, settings = _tasks(crew), crew.settings
    async with app.open_async():
        await jobs.bury_stalled(app, settings.refit_lease_seconds)
        refitting = _serve(app, jobs.REFITS, settings.refit_concurrency, settings)
        await _first_of(refitting, _serve(app, jobs.UPKEEP, 1, settings))


async def _first_of(*awaitables: Coroutine[Any, Any, Any]) -> None:
    """Wait until one of several has ended, and cancel the others. Raises what that one raises."""
    tasks = [asyncio.create_task(awaitable) for awaitable in awaitables]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _serve(app: App, queue: str, concurrency: int, settings: Settings) -> None:
    await app.run_worker_async(
        queues=[queue],
        concurrency=concurrency,
        install_signal_handlers=False,
        delete_jobs="always",
        fetch_job_polling_interval=POLL_SECONDS,
        listen_notify=settings.listen_url is not None,
        shutdown_graceful_timeout=0,
        update_heartbeat_interval=settings.refit_heartbeat_seconds,
        stalled_worker_timeout=settings.refit_lease_seconds,
    )


def _tasks(crew: _Crew) -> App:
    """What the bells ring for."""
    database, settings = crew.database, crew.settings
    direct = settings.listen_url
    app = jobs.queue_app(direct or settings.database_url or "", pooled=direct is None)

    @app.task(name=jobs.RUN_REFIT, queue=jobs.REFITS)
    async def run_refit(refit_id: str) -> None:
        await crew.take(UUID(refit_id))

    @app.task(name=jobs.HELP_REFIT, queue=jobs.REFITS)
    async def help_refit(refit_id: str) -> None:
        await crew.help(UUID(refit_id))

    @app.task(name=jobs.CONSIDER_REFIT, queue=jobs.UPKEEP)
    async def consider_refit(project_id: int) -> None:
        await upkeep.consider(database, project_id, settings, "new_runs")
        await upkeep.measure(database, project_id)

    @app.periodic(cron=every(settings.refit_interval_seconds))
    @app.task(name="consider_all", queue=jobs.UPKEEP, queueing_lock="consider_all")
    async def consider_all(timestamp: int) -> None:
        await upkeep.consider_all(database, settings)
        await crew.tidy()

    @app.periodic(cron=every(settings.refit_heartbeat_seconds))
    @app.task(name="recover", queue=jobs.UPKEEP, queueing_lock="recover")
    async def recover(timestamp: int) -> None:
        await jobs.bury_stalled(app, settings.refit_lease_seconds)
        await upkeep.recover(database, settings)

    return app


def every(seconds: float) -> str:
    """A period as a cron line, rounded down to what cron can say: seconds, minutes or hours.

    >>> every(5), every(300), every(7200)
    ('* * * * * */5', '*/5 * * * *', '0 */2 * * *')
    """
    if seconds < 60:
        return f"* * * * * */{max(1, int(seconds))}"
    if seconds < 3600:
        return f"*/{int(seconds / 60)} * * * *"
    return f"0 */{min(23, int(seconds / 3600))} * * *"


@contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set `stop`; who handled them before does so again afterwards."""
    loop = asyncio.get_running_loop()
    before = {
        number: signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    end_with_parent(0)
    os.nice(NICE)
    if sys.argv[1] == "help":
        _help_here(*sys.argv[2:])
    elif sys.argv[1] == "tidy":
        _tidy_here()
    else:
        _refit_here(*sys.argv[1:])
