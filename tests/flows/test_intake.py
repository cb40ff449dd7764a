"""Single runs on their way in together: one after the other, nobody forgotten, each told what became of its run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text

from app.errors import TooManyRequests, Unavailable
from app.flows import ingest
from app.flows import intake as intake_module
from app.flows.bells import Bells
from app.flows.intake import Intake
from app.store.arrivals import Arrival, arrival_of
from app.store.database import Database, connect
from app.store.upsert import Outcome, upsert
from app.types import Run
from tests.flows.test_ingest import DELAY, n_runs, not_over_a_line, poisoned, run

__all__ = ["poisoned"]


@pytest.fixture
def transactions(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many runs each transaction held."""
    sizes: list[int] = []

    async def counted(connection: Any, runs: Sequence[Run], homes: Any) -> list[Outcome]:
        sizes.append(len(runs))
        return await upsert(connection, runs, homes)

    monkeypatch.setattr(ingest, "upsert", counted)
    monkeypatch.setattr(ingest, "upsert_swiftly", not_over_a_line)
    return sizes


async def test_concurrent_singles_share_transactions(database: Database, transactions: list[int]) -> None:
    async with Intake(database, DELAY) as intake:
        outcomes = await asyncio.gather(*(intake.store(run(f"r{i}")) for i in range(100)))
    assert {outcome.status for outcome in outcomes} == {"created"}
    assert [outcome.run_id for outcome in outcomes] == [f"r{i}" for i in range(100)]
    assert sum(transactions) == 100
    assert len(transactions) <= 3


async def test_each_twin_hears_the_same_id(database: Database) -> None:
    async with Intake(database, DELAY) as intake:
        outcomes = await asyncio.gather(*(intake.store(run("twin")) for _ in range(64)))
    assert sorted(outcome.status for outcome in outcomes) == ["created"] + ["duplicate"] * 63
    assert len({outcome.id for outcome in outcomes}) == 1


@pytest.mark.usefixtures("poisoned")
async def test_one_bad_single_harms_no_other(database: Database) -> None:
    async with Intake(database, DELAY) as intake:
        outcomes = await asyncio.gather(*(intake.store(run(name)) for name in ("a", "poison", "b")))
        assert [outcome.status for outcome in outcomes] == ["created", "rejected", "created"]
        assert (await intake.store(run("c"))).status == "created"


async def test_an_answer_comes_after_the_commit(database: Database) -> None:
    async with Intake(database, DELAY) as intake:
        for i in range(5):
            await intake.store(run(f"r{i}"))
            assert await n_runs(database) == i + 1


async def test_closing_stores_what_waits_and_takes_no_more(database: Database) -> None:
    async with Intake(database, DELAY) as intake:
        waiting = [asyncio.create_task(intake.store(run(f"r{i}"))) for i in range(20)]
        await asyncio.sleep(0)  # lets them queue
    assert {(await task).status for task in waiting} == {"created"}
    with pytest.raises(Unavailable):
        await intake.store(run("late"))


@asynccontextmanager
async def held(database: Database) -> AsyncIterator[None]:
    """Makes every writer of runs wait while the block runs."""
    async with database.transaction() as connection:
        await connection.execute(text("LOCK TABLE runs IN SHARE ROW EXCLUSIVE MODE"))
        yield


async def test_beyond_the_queue_runs_are_refused_at_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_module, "MAX_WAITING", 3)
    monkeypatch.setattr(intake_module, "MAX_GROUP", 1)
    async with Intake(database, DELAY) as intake:
        async with held(database):
            waiting = [asyncio.create_task(intake.store(run(f"r{i}"))) for i in range(4)]
            await asyncio.sleep(0)
            with pytest.raises(TooManyRequests) as refused:
                await intake.store(run("r4"))
            assert refused.value.retry_after_seconds == 1
        answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(answer) for answer in answers].count(Outcome) == 3
    assert await n_runs(database) == 3


async def test_a_client_that_leaves_does_not_disturb_the_others(database: Database) -> None:
    async with Intake(database, DELAY) as intake:
        async with held(database):
            leaving, staying = (asyncio.create_task(intake.store(run(name))) for name in ("leaving", "staying"))
            await asyncio.sleep(0)
            leaving.cancel()
        assert (await staying).status == "created"
    assert leaving.cancelled()


async def test_without_a_database_everyone_hears_so_and_the_intake_lives_on(database_url: str) -> None:
    away = connect("postgresql://nobody@127.0.0.1:1/none", connect_timeout_seconds=2)
    async with Intake(away, DELAY) as intake:
        answers = await asyncio.gather(*(intake.store(run()) for _ in range(5)), return_exceptions=True)
        assert all(isinstance(answer, Unavailable) for answer in answers)
        intake._database = back = connect(database_url)
        assert (await intake.store(run())).status == "created"
    await back.close()
    await away.close()


# ---------------------------------------------------------------- one group after the other


class Awaited:
    """What was told, as futures tell it."""

    def __init__(self, intake: Intake, body: Run | bytes) -> None:
        self.future: asyncio.Future[Outcome | None] = asyncio.get_running_loop().create_future()
        intake.take(body, lambda project: project == "default", self.future, None)


def numbered(bodies: Sequence[bytes]) -> list[Arrival | None]:
    """Reads `17` as the run `r17`."""
    return [arrival_of(run(f"r{body.decode()}")) if body.isdigit() else None for body in bodies]


@pytest.fixture
async def familiar(database: Database) -> None:
    """The runs' dataset is one that this process knows: a statement is all they need."""
    for name in ("first", "second"):
        await ingest.store(database, [run(name)], Bells(database, DELAY))


@pytest.mark.usefixtures("familiar")
async def test_while_one_group_is_stored_the_next_is_read(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    going, go, all_read, read = asyncio.Event(), asyncio.Event(), asyncio.Event(), list[int]()

    async def held_back(*arguments: Any) -> list[Outcome | None]:
        going.set()
        await go.wait()
        return await ingest.store_swiftly(*arguments)

    def reading(bodies: Sequence[bytes]) -> list[Arrival | None]:
        read.append(len(bodies))
        if sum(read) == 1 + intake_module.TOGETHER:
            all_read.set()
        return numbered(bodies)

    monkeypatch.setattr(intake_module, "store_swiftly", held_back)
    async with Intake(database, DELAY, read=reading) as intake:
        first = Awaited(intake, b"0")
        await going.wait()
        others = [Awaited(intake, str(n).encode()) for n in range(1, 1 + intake_module.TOGETHER)]
        await all_read.wait()
        assert not first.future.done()
        go.set()
        outcomes = await asyncio.gather(*(awaited.future for awaited in [first, *others]))
    assert [outcome.run_id for outcome in outcomes if outcome] == [f"r{n}" for n in range(1 + intake_module.TOGETHER)]


@pytest.mark.usefixtures("familiar")
async def test_of_many_who_come_at_once_one_half_is_stored_while_the_other_is_answered(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = list[int]()

    async def counted(database: Database, runs: Sequence[Run | Arrival], *others: Any) -> list[Outcome | None]:
        sizes.append(len(runs))
        return await ingest.store_swiftly(database, runs, *others)

    monkeypatch.setattr(intake_module, "store_swiftly", counted)
    async with Intake(database, DELAY, read=numbered) as intake:
        await asyncio.gather(*(Awaited(intake, str(n).encode()).future for n in range(64)))
    assert sizes[0] == 32
    assert sum(sizes) == 64


@pytest.mark.usefixtures("familiar")
async def test_what_was_read_when_a_connection_broke_is_stored_over_the_next(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = list[Any]()

    async def breaking(database: Database, runs: Sequence[Run | Arrival], bells: Bells, line: Any) -> Any:
        lines.append(line)
        if len(lines) == 1:
            line._hang_up()
        return await ingest.store_swiftly(database, runs, bells, line)

    monkeypatch.setattr(intake_module, "store_swiftly", breaking)
    async with Intake(database, DELAY, read=numbered) as intake:
        futures = [Awaited(intake, str(n).encode()).future for n in range(40)]
        told = await asyncio.gather(*futures, return_exceptions=True)
    failed = [isinstance(what, Unavailable) for what in told]
    assert failed == [True] * 20 + [False] * 20
    assert await n_runs(database) == 2 + 20
    assert lines[0] is not lines[-1]


async def test_a_body_in_doubt_and_one_of_another_project_are_left_alone(database: Database) -> None:
    def reading(bodies: Sequence[bytes]) -> list[Arrival | None]:
        return [arrival_of(run("away", project="other")) if body == b"other" else None for body in bodies]

    async with Intake(database, DELAY, read=reading) as intake:
        told = [await Awaited(intake, body).future for body in (b"?", b"other")]
    assert told == [None, None]
    assert await n_runs(database) == 0


async def test_a_reader_that_breaks_is_told_and_the_intake_lives_on(database: Database) -> None:
    def reading(bodies: Sequence[bytes]) -> list[Arrival | None]:
        if bodies:
            raise ZeroDivisionError
        return []

    async with Intake(database, DELAY, read=reading) as intake:
        with pytest.raises(ZeroDivisionError):
            await Awaited(intake, b"1").future
        assert (await intake.store(run("a"))).status == "created"


async def test_who_waits_for_too_long_is_told_so_and_the_others_later(database: Database) -> None:
    async with Intake(database, DELAY, patience_seconds=0.2) as intake:
        async with held(database):
            told = await asyncio.gather(*(intake.store(run(f"r{n}")) for n in range(3)), return_exceptions=True)
            assert all(isinstance(what, Unavailable) and "in time" in what.detail for what in told)
        assert (await intake.store(run("after"))).status == "created"
