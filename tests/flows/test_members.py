"""Several workers share a refit: who fitted what cannot be told, and who dies is not missed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from sqlalchemy import text

from app.config import Settings
from app.flows import members as story
from app.flows.members import help_with
from app.flows.refit import refit
from app.learn import boosting
from app.store import jobs, members, meta_learners, projects, refits
from app.store.database import Database
from app.store.refits import Attempt
from app.store.upsert import upsert
from tests.histories import history


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boosting, "TREES", 8)


@pytest.fixture
async def attempt(database: Database) -> Attempt:
    async with database.transaction() as connection:
        await upsert(connection, [stored.run for stored in history(range(5), 12)])
        project = await projects.get(connection, "default")
        started = await refits.start(connection, (await refits.request(connection, project.id, "request")).id)
    assert started
    return started


async def champion(database: Database) -> bytes:
    async with database.snapshot() as connection:
        serving = (await projects.get(connection, "default")).champion_id
        assert serving
        return await meta_learners.load(connection, serving)


async def again(database: Database, project_id: int) -> Attempt:
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE projects SET champion_id = NULL"))
        started = await refits.start(connection, (await refits.request(connection, project_id, "request")).id)
    assert started
    return started


async def beside(database: Database, attempt: Attempt, settings: Settings, helper: Callable[[], Awaitable[int]]) -> int:
    """Refit while a helper is called again and again; how much it did."""
    running, n = asyncio.create_task(refit(database, attempt, settings)), 0
    while not running.done():
        n += await helper()
        await asyncio.sleep(0.01)
    await running
    return n


async def test_it_cannot_be_told_who_fitted_a_member(
    database: Database, settings: Settings, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    await refit(database, attempt, settings)
    alone = await champion(database)
    monkeypatch.setattr(story, "SHARED_FROM", 1)
    attempt = await again(database, attempt.project_id)
    helped = await beside(database, attempt, settings, lambda: help_with(database, attempt.refit_id, settings))
    assert helped > 0
    assert await champion(database) == alone
    async with database.snapshot() as connection:
        for table in ("refit_members", "refit_inputs"):
            assert await connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0


async def test_a_helper_that_dies_is_not_missed(
    database: Database, settings: Settings, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(story, "SHARED_FROM", 1)
    monkeypatch.setattr(story, "LOOK_SECONDS", 0.01)
    impatient = settings.model_copy(update={"refit_lease_seconds": 0.3, "refit_threads": 1})

    async def die_at_it() -> int:
        async with database.transaction() as connection:
            return int(await members.help_with(connection, attempt.refit_id) is not None)

    assert await beside(database, attempt, impatient, die_at_it) > 0
    async with database.snapshot() as connection:
        assert (await refits.get(connection, attempt.refit_id)).state == "succeeded"


async def offered(database: Database, attempt: Attempt) -> int:
    async with database.transaction() as connection:
        input_id = await members.put_input(connection, attempt.refit_id, b"X")
        return await members.offer(connection, attempt.refit_id, input_id, b"job")


async def test_a_member_has_one_fitter_and_what_comes_too_late_is_dropped(database: Database, attempt: Attempt) -> None:
    member_id = await offered(database, attempt)
    async with database.transaction() as connection:
        taken = await members.help_with(connection, attempt.refit_id)
        assert taken == members.Member(member_id, taken.input_id if taken else 0, b"job")
        assert await members.help_with(connection, attempt.refit_id) is None
        assert not await members.any_waits(connection, attempt.refit_id)
        assert not await members.take(connection, member_id, 20)
        assert await members.beat(connection, member_id)
        await connection.execute(text("UPDATE refit_members SET heartbeat_at = now() - interval '1 hour'"))
        assert await members.take(connection, member_id, 20)
        assert not await members.beat(connection, member_id)
        await members.finish(connection, member_id, b"late")
        assert await members.result(connection, member_id) is None


async def test_nobody_helps_a_refit_that_has_ended(database: Database, settings: Settings, attempt: Attempt) -> None:
    await offered(database, attempt)
    async with database.transaction() as connection:
        await refits.give_back(connection, attempt, 5)
    assert await help_with(database, attempt.refit_id, settings) == 0
    async with database.transaction() as connection:
        await members.clear_ended(connection)
        assert await connection.scalar(text("SELECT count(*) FROM refit_members")) == 0


async def test_helpers_are_rung_for_once_and_refits_go_first(database: Database, attempt: Attempt) -> None:
    async with database.transaction() as connection:
        for _ in range(2):
            await jobs.ring_for_help(connection, attempt.refit_id, 3)
        await jobs.ring_for_refit(connection, UUID(int=1))
        found = await connection.execute(
            text("SELECT task_name, priority FROM procrastinate_jobs ORDER BY priority, id")
        )
        assert [tuple(row) for row in found] == [("help_refit", -1)] * 3 + [("run_refit", 0)]
