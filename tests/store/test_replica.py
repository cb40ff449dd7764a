"""A real streaming replica: what was committed before a read began is seen by it, whoever answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from app import telemetry
from app.store.database import Database, connect
from app.store.embedded import embedded_postgres
from app.store.replica import REST_SECONDS
from tests.servers import directory, replica_of


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[str, str]]:
    with directory() as home, embedded_postgres(home / "primary") as primary:
        with psycopg.connect(primary, autocommit=True) as connection:
            connection.execute("CREATE TABLE notes (n bigint)")
        with replica_of(home / "primary", home / "replica") as replica:
            yield primary, replica


@pytest.fixture
async def both(servers: tuple[str, str]) -> AsyncIterator[Database]:
    database = connect(servers[0], replica_url=servers[1], replica_wait_seconds=0.5)
    yield database
    await database.close()


@pytest.fixture
def standby(servers: tuple[str, str]) -> Iterator[psycopg.Connection]:
    with psycopg.connect(servers[1], autocommit=True) as connection:
        yield connection
        connection.execute("SELECT pg_wal_replay_resume()")


async def write(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(text("INSERT INTO notes VALUES (1)"))


async def read(database: Database) -> tuple[int, bool]:
    """How many notes are seen, and whether a replica was asked."""
    async with database.snapshot() as connection:
        row = (await connection.execute(text("SELECT count(*), pg_is_in_recovery() FROM notes"))).one()
    return row[0], row[1]


def reads_by(server: str) -> float:
    return telemetry.REPLICA_READS.labels(server)._value.get()


async def test_reads_go_to_the_replica_and_miss_nothing(both: Database, servers: tuple[str, str]) -> None:
    other = connect(servers[0])  # another process, which this one knows nothing of
    before, _ = await read(both)
    for n in range(30):
        await write(other)
        seen, by_replica = await read(both)
        assert (seen, by_replica) == (before + n + 1, True)
    await other.close()


async def test_many_readers_ask_the_primary_together(both: Database) -> None:
    before, _ = await read(both)
    await write(both)
    assert await asyncio.gather(*(read(both) for _ in range(9))) == [(before + 1, True)] * 9


async def test_a_replica_that_is_behind_is_not_asked(both: Database, standby: psycopg.Connection) -> None:
    before, _ = await read(both)
    standby.execute("SELECT pg_wal_replay_pause()")
    primary, waited = reads_by("primary"), asyncio.get_running_loop().time()
    await write(both)
    for _ in range(5):
        assert await read(both) == (before + 1, False)
    assert reads_by("primary") == primary + 1  # then it was left alone
    assert asyncio.get_running_loop().time() - waited < 5 * 0.5
    standby.execute("SELECT pg_wal_replay_resume()")
    await asyncio.sleep(REST_SECONDS)
    assert await read(both) == (before + 1, True)


async def test_a_replica_that_is_none_is_not_asked(servers: tuple[str, str], tmp_path: Path) -> None:
    """Not one that was made a primary, nor the primary itself, nor one that is not there."""
    for wrong in (servers[0], f"postgresql://nobody@/none?host={tmp_path}"):
        database = connect(servers[0], replica_url=wrong, replica_wait_seconds=0.02)
        assert (await read(database))[1] is False
        await database.close()


async def test_without_its_primary_the_replica_answers(servers: tuple[str, str], tmp_path: Path) -> None:
    database = connect(f"postgresql://nobody@/none?host={tmp_path}", replica_url=servers[1])
    assert (await read(database))[1] is True
    await database.close()
