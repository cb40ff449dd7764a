from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import psutil
import psycopg
import pytest
from sqlalchemy import text

from app.config import Settings
from app.flows import upkeep
from app.store import jobs, projects, refits, upsert
from app.store.database import Database
from app.store.refits import Attempt, Refit
from app.types import Run
from app.worker import every, run_in_process, work

PATIENCE_SECONDS = 120
"""What a busy machine may take."""
RunRefit = Callable[[Attempt, Settings], Awaitable[None]]


@pytest.fixture
def brisk(settings: Settings) -> Settings:
    """A worker that does in a second what a real one does in a minute."""
    changes = {"refit_heartbeat_seconds": 1.0, "refit_delay_seconds": 0.1, "refit_stop_seconds": 0.2}
    return settings.model_copy(update=changes)


@asynccontextmanager
async def working(settings: Settings, run_refit: RunRefit) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    task = asyncio.create_task(work(settings, stop, run_refit))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, PATIENCE_SECONDS)


def succeeding(database: Database) -> RunRefit:
    async def run(attempt: Attempt, settings: Settings) -> None:
        async with database.transaction() as connection:
            await refits.fail(connection, attempt, "done")

    return run


async def requested(database: Database, project: str = "p") -> UUID:
    async with database.transaction() as connection:
        await projects.ensure(connection, [project])
        return (await upkeep.request_refit(connection, project)).id


async def until(database: Database, refit_id: UUID, state: str) -> Refit:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with database.snapshot() as connection:
                refit = await refits.get(connection, refit_id)
            if refit.state == state:
                return refit
            await asyncio.sleep(0.01)


def runs(count: int) -> list[Run]:
    return [
        Run(project="p", run_id=f"r{n}", dataset="d", state="completed", metrics={"accuracy": 0.5})
        for n in range(count)
    ]


async def test_a_requested_refit_starts_at_once(database: Database, brisk: Settings) -> None:
    async with working(brisk, succeeding(database)):
        await until(database, await requested(database), "failed")  # the worker is listening
        waited = []
        for _ in range(5):
            refit = await until(database, await requested(database), "failed")
            assert refit.started_at
            waited.append((refit.started_at - refit.queued_at).total_seconds())
    assert sorted(waited)[2] < 5  # milliseconds when nobody else uses the machine; a period is minutes


async def periodic_tick_over(database: Database) -> None:
    """A starting worker considers every project at once; after this, only news make it consider one."""
    ticked = "EXISTS (SELECT FROM procrastinate_periodic_defers WHERE task_name = 'consider_all')"
    waiting = "EXISTS (SELECT FROM procrastinate_jobs WHERE task_name = 'consider_all')"
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with database.snapshot() as connection:
                if await connection.scalar(text(f"SELECT {ticked} AND NOT {waiting}")):
                    return
            await asyncio.sleep(0.02)


async def test_enough_new_runs_start_a_refit(database: Database, brisk: Settings) -> None:
    async with working(brisk, succeeding(database)):
        await periodic_tick_over(database)
        async with database.transaction() as connection:
            await upsert.upsert(connection, runs(20))
            project_id = (await projects.get(connection, "p")).id
            await jobs.ring_for_runs(connection, [project_id], brisk.refit_delay_seconds)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                async with database.snapshot() as connection:
                    found = await refits.list_page(connection, project_id, 10)
                if found and found[0].state == "failed":
                    break
                await asyncio.sleep(0.02)
    assert [refit.trigger for refit in found] == ["new_runs"]


async def test_refits_of_one_project_follow_each_other(database: Database, brisk: Settings) -> None:
    go_on, running = asyncio.Event(), []

    async def run(attempt: Attempt, settings: Settings) -> None:
        running.append(attempt.refit_id)
        await go_on.wait()
        await succeeding(database)(attempt, settings)

    two_at_once = brisk.model_copy(update={"refit_concurrency": 2})
    async with working(two_at_once, run):
        first = await requested(database)
        await until(database, first, "running")
        second = await requested(database)
        other = await requested(database, "q")
        await until(database, other, "running")
        assert running == [first, other]
        go_on.set()
        await until(database, second, "failed")
    assert running == [first, other, second]


async def test_a_stopping_worker_hands_back_what_it_cannot_finish(database: Database, brisk: Settings) -> None:
    async def run(attempt: Attempt, settings: Settings) -> None:
        await asyncio.Event().wait()

    async with working(brisk, run) as stop:
        refit_id = await requested(database)
        await until(database, refit_id, "running")
        stop.set()
        handed_back = await until(database, refit_id, "queued")
    assert handed_back.attempts == 1
    async with working(brisk, succeeding(database)):
        assert (await until(database, refit_id, "failed")).attempts == 2


async def test_a_stopping_worker_lets_a_refit_end_that_is_about_to(database: Database, brisk: Settings) -> None:
    go_on = asyncio.Event()

    async def run(attempt: Attempt, settings: Settings) -> None:
        await go_on.wait()
        await succeeding(database)(attempt, settings)

    async with working(brisk.model_copy(update={"refit_stop_seconds": 20.0}), run) as stop:
        refit_id = await requested(database)
        await until(database, refit_id, "running")
        stop.set()
        go_on.set()
        assert (await until(database, refit_id, "failed")).attempts == 1


async def test_a_refit_that_starts_slower_than_its_lease_is_not_taken_for_dead(
    database: Database, brisk: Settings
) -> None:
    async def run(attempt: Attempt, settings: Settings) -> None:
        await asyncio.sleep(2.5)
        await succeeding(database)(attempt, settings)

    hasty = brisk.model_copy(update={"refit_heartbeat_seconds": 0.3, "refit_lease_seconds": 1.0})
    async with working(hasty, run):
        assert (await until(database, await requested(database), "failed")).attempts == 1


async def test_a_dead_workers_refit_is_taken_up(database: Database, brisk: Settings) -> None:
    refit_id = await requested(database)
    async with database.transaction() as connection:
        assert await refits.start(connection, refit_id)
        await connection.execute(text("UPDATE refits SET heartbeat_at = now() - interval '1 hour'"))
        await connection.execute(text("UPDATE procrastinate_jobs SET status = 'doing'"))
    async with working(brisk, succeeding(database)):
        assert (await until(database, refit_id, "failed")).attempts == 2


async def test_a_refit_outlives_the_loss_of_every_connection(
    database: Database, database_url: str, brisk: Settings
) -> None:
    go_on = asyncio.Event()

    async def run(attempt: Attempt, settings: Settings) -> None:
        await go_on.wait()
        await succeeding(database)(attempt, settings)

    async with working(brisk, run):
        first = await requested(database)
        await until(database, first, "running")
        with psycopg.connect(database_url, autocommit=True) as killer:
            others = "pid <> pg_backend_pid() AND datname = current_database()"
            killer.execute(f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE {others}")
        go_on.set()
        assert (await until(database, first, "failed")).attempts == 1
        assert (await until(database, await requested(database), "failed")).attempts == 1


async def test_a_process_of_its_own_tells_what_is_wrong(database: Database, brisk: Settings) -> None:
    async with database.transaction() as connection:
        await upsert.upsert(connection, runs(3))
    async with working(brisk, run_in_process):
        ended = await until(database, await requested(database), "failed")
    assert "3 runs" in str(ended.error)


def child_of(refit_id: UUID) -> psutil.Process | None:
    return next((child for child in psutil.Process().children() if str(refit_id) in child.cmdline()), None)


async def test_many_runs_are_folded_by_a_process_of_its_own(database: Database, brisk: Settings) -> None:
    """Without a refit, and in the background: who asks for it does not wait."""
    never = brisk.model_copy(update={"refit_first_runs": 10**6, "refit_interval_seconds": 1})
    async with database.transaction() as connection:
        await upsert.upsert(connection, runs(upkeep.FOLD_FROM))
    async with working(never, succeeding(database)), asyncio.timeout(PATIENCE_SECONDS):
        folded = 0
        while folded < upkeep.FOLD_FROM:
            await asyncio.sleep(0.1)
            async with database.snapshot() as connection:
                folded = await connection.scalar(text("SELECT coalesce(sum(n_runs), 0) FROM run_segments"))
    assert await upkeep.untidy(database) == []


async def test_a_process_that_dies_again_and_again_is_given_up(database: Database, brisk: Settings) -> None:
    async def run(attempt: Attempt, settings: Settings) -> None:
        running = asyncio.create_task(run_in_process(attempt, settings))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (child := child_of(attempt.refit_id)):  # noqa: ASYNC110  # nothing tells
                await asyncio.sleep(0.01)
        child.kill()
        await running

    async with working(brisk.model_copy(update={"refit_max_attempts": 2}), run):
        ended = await until(database, await requested(database), "failed")
    assert (ended.attempts, ended.error) == (2, refits.GAVE_UP.format(2))


def test_a_worker_ends_in_order_at_sigterm(brisk: Settings) -> None:
    environment = {**os.environ, **brisk.as_environment()}
    code = (
        "from app.config import Settings; from app.worker import run_worker; run_worker(Settings()); print('in order')"
    )
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
    assert brisk.database_url
    with psycopg.connect(brisk.database_url, autocommit=True) as connection:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while connection.execute("SELECT count(*) FROM procrastinate_workers").fetchone() != (2,):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
        assert (process.returncode, output) == (0, "in order\n")
        assert connection.execute("SELECT count(*) FROM procrastinate_workers").fetchone() == (0,)


async def test_a_worker_waits_for_a_database_that_is_not_there(
    brisk: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = brisk.model_copy(update={"database_url": "postgresql://nobody@/none?host=/nowhere"})
    stop = asyncio.Event()
    task = asyncio.create_task(work(nowhere, stop))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while "is tried again" not in caplog.text:
            assert not task.done()
            await asyncio.sleep(0.02)
    stop.set()
    await task


@pytest.mark.parametrize(
    ("seconds", "cron"), [(0.2, "* * * * * */1"), (5, "* * * * * */5"), (300, "*/5 * * * *"), (7200, "0 */2 * * *")]
)
def test_periods_are_told_as_cron(seconds: float, cron: str) -> None:
    assert every(seconds) == cron
