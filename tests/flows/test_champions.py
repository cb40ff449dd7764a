"""Who serves is switched in every process within a second, heard of or polled for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import psycopg
import pytest

from app.flows import champions
from app.flows.recommend import Bundles, Served, champion_of
from app.learn.train import Trained
from app.store import meta_learners, projects
from app.store.database import Database

SECONDS = 1.0
"""Promised."""


async def switch(database: Database, content: bytes) -> UUID:
    async with database.transaction() as connection:
        project_id = (await projects.ensure(connection, ["p"]))["p"]
        verdict = {"promoted": True, "reason": "", "figures": {}}
        numbers = {"n_runs": 1, "n_datasets": 1, "format_version": 1}
        id_ = await meta_learners.insert_next(connection, project_id, content, report={}, verdict=verdict, **numbers)
        await meta_learners.promote(connection, id_)
    return id_


@asynccontextmanager
async def process(database: Database, listen_url: str | None) -> AsyncIterator[Bundles]:
    """What an API process that has answered for the project knows."""
    bundles = Bundles(2)
    async with database.snapshot() as connection:
        project = await projects.get(connection, "p")
        champion, learner, _ = await champion_of(connection, bundles, project)
    assert champion
    assert learner
    bundles.remember(Served(project, champion, learner))
    following = asyncio.create_task(champions.follow(database, bundles, listen_url))
    yield bundles
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following


async def serves(bundles: Bundles, id_: UUID) -> bool:
    """Whether it does within the time promised, and its bundle is at hand."""
    for _ in range(50):
        if bundles.served["p"] == id_:
            return id_ in bundles._unpacked
        await asyncio.sleep(SECONDS / 50)
    return False


@pytest.mark.parametrize("heard", [True, False])
async def test_every_process_knows_within_a_second(
    database: Database, database_url: str, trained: Trained, heard: bool
) -> None:
    first = await switch(database, trained.content)
    url = database_url if heard else None
    async with process(database, url) as one, process(database, url) as other:
        assert one.served == other.served == {"p": first}
        for _ in range(2):
            await asyncio.sleep(0.1)
            id_ = await switch(database, trained.content)
            assert await asyncio.gather(serves(one, id_), serves(other, id_)) == [True, True]


async def test_who_lost_its_line_hears_again(
    database: Database, database_url: str, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.store.notices.RECONNECT_SECONDS", 0.1)
    await switch(database, trained.content)
    async with process(database, database_url) as bundles:
        await asyncio.sleep(0.2)
        with psycopg.connect(database_url, autocommit=True) as killer:
            cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
            assert killer.execute(cut + " AND datname = current_database()").fetchone() == (1,)
        id_ = await switch(database, trained.content)  # told to nobody
        assert await serves(bundles, id_)


async def test_one_that_is_damaged_is_looked_at_once(
    database: Database, trained: Trained, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(champions, "POLL_SECONDS", 0.02)
    first = await switch(database, trained.content)
    async with process(database, None) as bundles:
        await switch(database, b"no bundle")
        await asyncio.sleep(0.3)
        assert len(bundles.damaged) == 1
        assert bundles.served == {"p": first}
    assert len([line for line in caplog.records if line.levelname == "ERROR"]) == 1
