from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.errors import NotFound
from app.store import projects, refits
from app.store.database import AsyncConnection, Database
from app.store.refits import Attempt, LeaseLost

LEASE = 20.0


@pytest.fixture
async def project_id(database: Database) -> int:
    async with database.transaction() as connection:
        return (await projects.ensure(connection, ["p"]))["p"]


async def requested(database: Database, project_id: int) -> UUID:
    async with database.transaction() as connection:
        return (await refits.request(connection, project_id, "request")).id


async def started(database: Database, refit_id: UUID) -> Attempt | None:
    async with database.transaction() as connection:
        return await refits.start(connection, refit_id)


async def state(database: Database, refit_id: UUID) -> str:
    async with database.snapshot() as connection:
        return (await refits.get(connection, refit_id)).state


async def silence(connection: AsyncConnection, refit_id: UUID) -> None:
    """As if no heartbeat had come for a long time."""
    await connection.execute(
        text("UPDATE refits SET heartbeat_at = now() - interval '1 hour' WHERE id = :id"), {"id": refit_id}
    )


async def recovered(database: Database, max_attempts: int = 5) -> list[str]:
    async with database.transaction() as connection:
        return [refit.state for refit in await refits.recover(connection, LEASE, max_attempts)]


async def test_requests_are_merged_while_one_waits(database: Database, project_id: int) -> None:
    ids = await asyncio.gather(*(requested(database, project_id) for _ in range(5)))
    assert len(set(ids)) == 1
    assert await started(database, ids[0])
    assert await requested(database, project_id) not in ids


async def test_one_refit_of_a_project_runs_at_a_time(database: Database, project_id: int) -> None:
    first = await requested(database, project_id)
    attempts = await asyncio.gather(*(started(database, first) for _ in range(4)))
    assert [attempt.number for attempt in attempts if attempt] == [1]
    second = await requested(database, project_id)
    assert await started(database, second) is None
    async with database.transaction() as connection:
        assert await refits.startable(connection) == []
        await refits.fail(connection, Attempt(first, project_id, 1), "no luck")
        assert await refits.startable(connection) == [second]
    assert await started(database, second)


async def test_a_silent_refit_is_queued_again_and_its_late_worker_changes_nothing(
    database: Database, project_id: int
) -> None:
    refit_id = await requested(database, project_id)
    zombie = await started(database, refit_id)
    assert zombie
    assert await recovered(database) == []
    async with database.transaction() as connection:
        await silence(connection, refit_id)
    assert await recovered(database) == ["queued"]
    for take_over in (False, True):
        successor = await started(database, refit_id) if take_over else None
        for late in (
            lambda c: refits.report_progress(c, zombie, {}),
            lambda c: refits.fail(c, zombie, "late"),
            lambda c: refits.succeed(c, zombie, UUID(int=0), {}),
            lambda c: refits.give_back(c, zombie, 5),
        ):
            with pytest.raises(LeaseLost):
                async with database.transaction() as connection:
                    await late(connection)
    assert successor == Attempt(refit_id, project_id, 2)
    assert await state(database, refit_id) == "running"


async def test_a_refit_that_keeps_dying_is_given_up(database: Database, project_id: int) -> None:
    refit_id = await requested(database, project_id)
    for _ in range(2):
        assert await started(database, refit_id)
        async with database.transaction() as connection:
            await silence(connection, refit_id)
        last = await recovered(database, max_attempts=2)
    assert last == ["failed"]
    async with database.snapshot() as connection:
        refit = await refits.get(connection, refit_id)
    assert refit.error == refits.GAVE_UP.format(2)
    assert refit.finished_at is not None


async def test_what_is_given_back_waits_beside_a_newer_request(database: Database, project_id: int) -> None:
    old = await requested(database, project_id)
    attempt = await started(database, old)
    assert attempt
    new = await requested(database, project_id)
    async with database.transaction() as connection:
        await refits.give_back(connection, attempt, 5)
        assert await refits.startable(connection) == [old, new]
        assert (await refits.request(connection, project_id, "request")).id == old


async def test_an_unknown_refit_is_not_found(database: Database) -> None:
    async with database.snapshot() as connection:
        with pytest.raises(NotFound):
            await refits.get(connection, UUID(int=7))


async def test_pages_walk_from_the_newest_to_the_oldest(database: Database, project_id: int) -> None:
    ids = []
    for _ in range(5):
        ids.append(await requested(database, project_id))
        attempt = await started(database, ids[-1])
        assert attempt
        async with database.transaction() as connection:
            await refits.fail(connection, attempt, "enough")
    seen: list[UUID] = []
    async with database.snapshot() as connection:
        while page := await refits.list_page(connection, project_id, 2, seen[-1] if seen else None):
            seen += [refit.id for refit in page]
    assert seen == ids[::-1]


STEPS = st.lists(
    st.sampled_from(["request", "start", "finish", "fail", "give back", "silence", "recover", "zombie"]), max_size=25
)


@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS)
async def test_whatever_happens_one_runs_and_one_is_new(database: Database, project_id: int, steps: list[str]) -> None:
    """Any order of events leaves at most one running and one new refit, and every attempt but the last is powerless."""
    attempts: list[Attempt] = []
    async with database.transaction() as connection:
        await connection.execute(text("DELETE FROM refits"))
        for step in steps:
            await _take(step, connection, project_id, attempts)
            rows = (await connection.execute(text("SELECT state, attempts FROM refits"))).all()
            running = sum(state == "running" for state, _ in rows)
            new = sum(state == "queued" and attempts_made == 0 for state, attempts_made in rows)
            assert running <= 1
            assert new <= 1


async def _take(step: str, connection: AsyncConnection, project_id: int, attempts: list[Attempt]) -> None:
    match step:
        case "request":
            await refits.request(connection, project_id, "request")
        case "start":
            begun = [await refits.start(connection, refit_id) for refit_id in await refits.startable(connection)]
            attempts += [attempt for attempt in begun if attempt]
        case "silence":
            await connection.execute(text("UPDATE refits SET heartbeat_at = now() - interval '1 hour'"))
        case "recover":
            await refits.recover(connection, LEASE, 3)
        case "zombie":
            for attempt in attempts[:-1]:
                with pytest.raises(LeaseLost):
                    await refits.fail(connection, attempt, "zombie")
        case ending if attempts:
            try:
                if ending == "give back":
                    await refits.give_back(connection, attempts[-1], 3)
                else:
                    await refits.fail(connection, attempts[-1], ending)
            except LeaseLost:
                pass


async def test_one_that_starts_slowly_is_vouched_for(database: Database, project_id: int) -> None:
    refit_id = await requested(database, project_id)
    attempt = await started(database, refit_id)
    assert attempt
    async with database.transaction() as connection:
        await silence(connection, refit_id)
        assert await refits.vouch(connection, attempt)
    assert await recovered(database) == []
    async with database.transaction() as connection:
        await refits.report_progress(connection, attempt, {"stage": "loading"})  # from now on it is alone
        await silence(connection, refit_id)
        assert not await refits.vouch(connection, attempt)
    assert await recovered(database) == ["queued"]
    async with database.transaction() as connection:
        assert not await refits.vouch(connection, attempt)
