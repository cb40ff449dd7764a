from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.store import jobs
from app.store.database import Database


async def waiting(database: Database) -> list[Any]:
    statement = "SELECT *, scheduled_at - now() AS delay FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id"
    async with database.snapshot() as connection:
        return list(await connection.execute(text(statement)))


async def test_a_refit_is_rung_for_once_and_at_once(database: Database) -> None:
    for _ in range(2):
        async with database.transaction() as connection:
            await jobs.ring_for_refit(connection, UUID(int=1))
    [job] = await waiting(database)
    assert (job.queue_name, job.task_name, job.args) == ("refits", "run_refit", {"refit_id": str(UUID(int=1))})
    assert job.scheduled_at is None


async def test_runs_are_collected_for_a_while(database: Database) -> None:
    for _ in range(3):
        async with database.transaction() as connection:
            await jobs.ring_for_runs(connection, [2, 1, 2], 3600)
    first, second = await waiting(database)
    assert [first.args, second.args] == [{"project_id": 1}, {"project_id": 2}]
    assert 0 < first.delay.total_seconds() <= 3600


async def test_a_job_exists_only_if_its_transaction_commits(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the block is what is tested
        async with database.transaction() as connection:
            await jobs.ring_for_runs(connection, [1], 60)
            await jobs.ring_for_refit(connection, UUID(int=1))
            raise ZeroDivisionError
    assert await waiting(database) == []


async def test_a_bell_that_somebody_else_is_ringing_does_not_break_the_transaction(database: Database) -> None:
    """Both look before either has committed: the second waits for the first, finds it done, and goes on."""
    async with database.transaction() as connection:
        await jobs.ring_for_runs(connection, [1], 3600)
        late = asyncio.create_task(_ring_and_write(database))
        while not await connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            assert not late.done()
    await late
    assert len(await waiting(database)) == 1
    async with database.snapshot() as connection:
        assert await connection.scalar(text("SELECT name FROM projects")) == "written after the collision"


async def _ring_and_write(database: Database) -> None:
    async with database.transaction() as connection:
        await jobs.ring_for_runs(connection, [1], 3600)
        await connection.execute(text("INSERT INTO projects (name) VALUES ('written after the collision')"))


async def test_without_a_delay_a_job_is_rung_for_at_once(database: Database) -> None:
    async with database.transaction() as connection:
        await jobs.ring_for_runs(connection, [1], 0)
    [job] = await waiting(database)
    assert job.scheduled_at is None


async def test_whoever_looks_sees_all_that_relied_on_the_job(database: Database) -> None:
    """A job may begin before the runs are committed that relied on it; those of others do not wait for each other."""
    async with database.transaction() as connection:
        await jobs.ring_for_runs(connection, [1], 0)
    async with database.transaction() as slow:
        await slow.execute(text("INSERT INTO projects (name) VALUES ('relied on it')"))
        await jobs.ring_for_runs(slow, [1], 0)
        async with asyncio.timeout(60), database.transaction() as quick:
            await jobs.ring_for_runs(quick, [1], 0)
            await quick.execute(text("UPDATE procrastinate_jobs SET status = 'doing'"))
        looking = asyncio.create_task(_look(database))
        await asyncio.sleep(0.1)
        assert not looking.done()
    assert await looking == "relied on it"
    async with database.transaction() as late:
        await jobs.ring_for_runs(late, [1], 0)
    assert len(await waiting(database)) == 1  # nobody relies on one that has begun


async def _look(database: Database) -> str | None:
    async with database.transaction() as connection:
        await jobs.runs_are_in(connection, 1)
    async with database.snapshot() as connection:
        return await connection.scalar(text("SELECT name FROM projects"))


async def test_the_jobs_of_dead_workers_are_buried(database: Database, database_url: str) -> None:
    async with database.transaction() as connection:
        await jobs.ring_for_refit(connection, UUID(int=1))
        await connection.execute(text("UPDATE procrastinate_jobs SET status = 'doing'"))
    async with jobs.queue_app(database_url).open_async() as app:
        assert await jobs.bury_stalled(app, 20) == 1
        assert await jobs.bury_stalled(app, 20) == 0
