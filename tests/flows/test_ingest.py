"""Ingest: one commit for many, one outcome for each, and no run harmed by another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from sqlalchemy import func, select, text

from app.errors import InvalidRequest, Unavailable
from app.flows import ingest
from app.flows.bells import Bells
from app.flows.ingest import Incoming, Tally
from app.store import tables as t
from app.store.database import Database
from app.store.upsert import Outcome, upsert
from app.types import Run

DELAY = 60.0


def run(run_id: str | None = None, **fields: Any) -> Run:
    document = {"run_id": run_id, "dataset": "adult", "state": "completed", "metrics": {"accuracy": 0.5}, **fields}
    return Run.model_validate(document)


async def scalar(database: Database, statement: Any) -> Any:
    async with database.snapshot() as connection:
        return await connection.scalar(statement)


async def n_runs(database: Database) -> int:
    return await scalar(database, select(func.count()).select_from(t.runs))


async def n_bells(database: Database) -> int:
    return await scalar(database, text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'consider_refit'"))


@pytest.fixture
async def bells(database: Database) -> AsyncIterator[Bells]:
    bells = Bells(database, DELAY)
    yield bells
    await bells.rung()


async def not_over_a_line(line: Any, runs: Sequence[Run], homes: Any) -> list[None]:
    """Has few runs stored by the function that many are stored by, which tests can then replace."""
    return [None] * len(runs)


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever transaction holds the run `poison` fails, as if PostgreSQL had refused it."""

    async def fragile(connection: Any, runs: Sequence[Run], homes: Any) -> list[Outcome]:
        if any(run.run_id == "poison" for run in runs):
            await connection.execute(text("SELECT 1/0"))
        return await upsert(connection, runs, homes)

    monkeypatch.setattr(ingest, "upsert", fragile)
    monkeypatch.setattr(ingest, "upsert_swiftly", not_over_a_line)


# ---------------------------------------------------------------- news for the worker


async def test_new_finished_runs_ring_once_for_their_project(database: Database, bells: Bells) -> None:
    await ingest.store(database, [run("a"), run("b"), run("c", project="other")], bells)
    await bells.rung()
    assert await n_bells(database) == 2
    await ingest.store(database, [run("d")], bells)
    await bells.rung()
    assert await n_bells(database) <= 4  # one more only where the window of the delay ended in between


async def test_nothing_new_rings_nothing(database: Database, bells: Bells) -> None:
    await ingest.store(database, [run("a")], bells)
    await bells.rung()
    for second in (run("a"), run("a", state="failed"), run("b", state="running")):
        async with database.transaction() as connection:
            await connection.execute(text("DELETE FROM procrastinate_jobs"))
        await ingest.store(database, [second], bells)
        await bells.rung()
        assert await n_bells(database) == 0


async def test_many_transactions_share_a_bell(
    database: Database, bells: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[set[int]] = []

    async def ring(connection: Any, project_ids: set[int], delay_seconds: float) -> None:
        rung.append(project_ids)

    monkeypatch.setattr("app.store.jobs.ring_for_runs", ring)
    for i in range(20):
        bells.ring_for([i % 2])
    await bells.rung()
    assert rung == [{0, 1}]


async def test_a_bell_that_cannot_be_rung_harms_nobody(
    database: Database, bells: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise Unavailable("gone")

    monkeypatch.setattr("app.store.jobs.ring_for_runs", fail)
    assert (await ingest.store(database, [run("a")], bells))[0].status == "created"
    await bells.rung()


# ---------------------------------------------------------------- batches and streams


async def test_a_batch_tells_of_each_run_in_order(database: Database, bells: Bells) -> None:
    bad = InvalidRequest.at("/state", "not a state")
    tally = await ingest.store_batch(database, [run("a"), bad, run("a"), run("a", state="failed"), run("b")], bells)
    assert (tally.created, tally.duplicates, tally.rejected) == (2, 1, 2)
    assert [(outcome.index, outcome.status) for outcome in tally.results] == [
        (0, "created"),
        (1, "rejected"),
        (2, "duplicate"),
        (3, "conflict"),
        (4, "created"),
    ]
    assert tally.results[1].error is bad


async def test_an_empty_batch_is_no_work(database: Database, bells: Bells) -> None:
    assert await ingest.store_batch(database, [], bells) == Tally()


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("n", [1, 7])
async def test_one_bad_run_harms_no_other(database: Database, bells: Bells, n: int) -> None:
    incoming = [run("poison") if i == n // 2 else run(f"r{i}") for i in range(n)]
    outcomes = await ingest.store(database, incoming, bells)
    assert [outcome.index for outcome in outcomes] == list(range(n))
    assert [outcome.status for outcome in outcomes] == ["rejected" if i == n // 2 else "created" for i in range(n)]
    assert await n_runs(database) == n - 1


async def stream(items: Sequence[Incoming]) -> AsyncIterator[list[tuple[int, Incoming]]]:
    for number, item in enumerate(items):
        yield [(2 * number, item)]


async def test_a_stream_is_stored_in_chunks_and_tells_what_was_not_taken(
    database: Database, bells: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "CHUNK", 3)
    monkeypatch.setattr(ingest, "MAX_RESULTS", 2)
    bad = InvalidRequest.at("", "no")
    items: list[Incoming] = [run("a"), bad, run("b"), run("a"), run("b", state="failed"), bad, bad, run("c")]
    tally = await ingest.store_stream(database, stream(items), bells)
    assert (tally.created, tally.duplicates, tally.rejected, tally.results_omitted) == (3, 1, 4, 2)
    assert [(outcome.index, outcome.status) for outcome in tally.results] == [(2, "rejected"), (8, "conflict")]


async def test_of_a_run_that_stands_twice_in_a_stream_the_first_is_stored(
    database: Database, bells: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "CHUNK", 2)
    monkeypatch.setattr(ingest, "upsert", late_if_it_holds("slow"))
    items: list[Incoming] = [run("slow"), run("a"), run("b"), run("c"), run("a", state="failed"), run("d")]
    tally = await ingest.store_stream(database, stream(items), bells)
    assert [(outcome.index, outcome.status) for outcome in tally.results] == [(8, "conflict")]
    assert await scalar(database, select(t.runs.c.state).where(t.runs.c.run_id == "a")) == "completed"


async def test_chunks_of_a_stream_are_stored_side_by_side_and_told_in_order(
    database: Database, bells: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "CHUNK", 2)
    monkeypatch.setattr(ingest, "MAX_RESULTS", 1)
    ended: list[str | None] = []
    monkeypatch.setattr(ingest, "upsert", late_if_it_holds("slow", ended))
    bad = InvalidRequest.at("", "no")
    tally = await ingest.store_stream(database, stream([run("slow"), bad, run("quick"), bad]), bells)
    assert ended == ["quick", "slow"]
    assert [outcome.index for outcome in tally.results] == [2]
    assert (tally.created, tally.rejected, tally.results_omitted) == (2, 2, 1)


def late_if_it_holds(run_id: str, ended: list[str | None] | None = None) -> Any:
    """Stores runs, after a while where this one is among them; `ended` hears of the first of each lot."""

    async def upsert_at_leisure(connection: Any, runs: Sequence[Run], homes: Any) -> list[Outcome]:
        if run_id in {each.run_id for each in runs}:
            await asyncio.sleep(0.2)
        outcomes = await upsert(connection, runs, homes)
        if ended is not None:
            ended.append(runs[0].run_id)
        return outcomes

    return upsert_at_leisure


async def test_a_stream_that_breaks_says_what_is_stored(
    database: Database, bells: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "CHUNK", 2)

    async def broken() -> AsyncIterator[list[tuple[int, Incoming]]]:
        for number in range(5):
            yield [(number, run(str(number)))]
        raise Unavailable("gone")

    with pytest.raises(Unavailable, match="4 runs"):
        await ingest.store_stream(database, broken(), bells)
    assert await n_runs(database) == 4
