"""Through a PgBouncer that lends a connection for one transaction only, with fewer of them than there are clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from app import keys
from app.config import Settings
from app.errors import Unavailable
from app.flows import upkeep
from app.store import jobs, projects, refits, upsert
from app.store.database import Database, connect
from app.store.migrate import migrate
from app.store.refits import Attempt
from app.types import Run
from app.worker import work
from tests.servers import needs_pgbouncer, pgbouncer

pytestmark = needs_pgbouncer
MANY = 600


@pytest.fixture
def pooled_url(database_url: str) -> Iterator[str]:
    with pgbouncer(database_url, pool_size=3) as url:
        yield url


@pytest.fixture
async def pooled(pooled_url: str) -> AsyncIterator[Database]:
    database = connect(pooled_url, pooled=True, pool_size=8, statement_timeout_seconds=60, lock_timeout_seconds=60)
    yield database
    await database.close()


async def test_one_that_was_not_announced_is_refused_or_broken(pooled_url: str) -> None:
    """What all the others are held against: with session state the same pooler does not work."""
    database = connect(pooled_url)
    with pytest.raises(Unavailable):
        async with database.transaction():
            pass
    await database.close()


async def test_many_clients_share_few_connections(pooled: Database) -> None:
    async def store(client: int) -> None:
        for n in range(12):  # more often than psycopg takes to prepare a statement
            many = MANY if n == 5 else 2  # once by way of the temporary table
            runs = [
                Run(project="p", run_id=f"{client}-{n}-{i}", dataset=f"d{i % 3}", state="failed") for i in range(many)
            ]
            async with pooled.transaction() as connection:
                stored = await upsert.upsert(connection, runs)
                await jobs.ring_for_runs(
                    connection, {outcome.project_id for outcome in stored if outcome.project_id}, 60
                )
            assert [outcome.status for outcome in stored] == ["created"] * many

    await asyncio.gather(*(store(client) for client in range(8)))
    async with pooled.snapshot() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM runs")) == 8 * (11 * 2 + MANY)
        assert await connection.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 1


async def test_limits_hold_in_every_transaction_and_stay_with_nobody(pooled_url: str) -> None:
    hasty = connect(pooled_url, pooled=True, statement_timeout_seconds=0.5, lock_timeout_seconds=0.25)
    for block in (hasty.transaction, hasty.snapshot):
        with pytest.raises(Unavailable):
            async with block() as connection:
                await connection.execute(text("SELECT pg_sleep(2)"))
        async with block() as connection:
            names = ("statement_timeout", "lock_timeout", "timezone")
            found = [await connection.scalar(text(f"SHOW {name}")) for name in names]
            assert found == ["500ms", "250ms", "UTC"]
    await hasty.close()
    with psycopg.connect(pooled_url, prepare_threshold=None) as other:
        assert other.execute("SHOW statement_timeout").fetchone() == ("0",)


def test_an_empty_database_is_brought_up_to_date_and_gets_its_keys(empty_database_url: str) -> None:
    with pgbouncer(empty_database_url, pool_size=2) as url:  # one holds the lock of migrations
        for _ in range(2):  # the second finds what the first one left
            migrate(url)
            assert keys.create(url, "first", ["admin"], None, None)[0].name == "first"
        assert keys.any_good(url)
        assert len(keys.listed(url)) == 2


@pytest.mark.parametrize("past_it", [True, False])
async def test_a_worker_hears_of_refits_past_the_pooler_or_looks_for_them(
    pooled_url: str, database_url: str, pooled: Database, past_it: bool
) -> None:
    async def run(attempt: Attempt, settings: Settings) -> None:
        async with pooled.transaction() as connection:
            await refits.fail(connection, attempt, "done")

    direct = database_url if past_it else None
    settings = Settings(database_url=pooled_url, database_pooled=True, database_direct_url=direct)
    assert settings.listen_url == direct
    stop = asyncio.Event()
    working = asyncio.create_task(work(settings, stop, run))
    async with pooled.transaction() as connection:
        await projects.ensure(connection, ["p"])
        queued = await upkeep.request_refit(connection, "p")
    async with asyncio.timeout(30):
        while (await _state(pooled, queued.id)) != "failed":  # noqa: ASYNC110  # nothing tells
            await asyncio.sleep(0.02)
    stop.set()
    await working


async def _state(database: Database, refit_id: UUID) -> str:
    async with database.snapshot() as connection:
        return (await refits.get(connection, refit_id)).state


async def test_a_snapshot_is_one_and_cannot_write(pooled: Database) -> None:
    async with pooled.snapshot() as connection:
        before = await connection.scalar(text("SELECT count(*) FROM projects"))
        async with pooled.transaction() as other:
            await other.execute(text("INSERT INTO projects (name) VALUES ('new')"))
        assert await connection.scalar(text("SELECT count(*) FROM projects")) == before
        with pytest.raises(Exception, match="read-only"):
            await connection.execute(text("INSERT INTO projects (name) VALUES ('never')"))
