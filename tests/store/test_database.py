from __future__ import annotations

import asyncio
from pathlib import Path
from unittest.mock import patch

import psycopg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.errors import Unavailable
from app.store.database import MOMENT_SECONDS, Database, connect, libpq_url, with_password

NOWHERE = "postgresql://nobody@/none?host={}"


async def names(database: Database) -> list[str]:
    async with database.snapshot() as connection:
        return list((await connection.execute(text("SELECT name FROM projects ORDER BY name"))).scalars())


async def test_a_transaction_commits_at_its_end_or_not_at_all(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(text("INSERT INTO projects (name) VALUES ('kept')"))
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the block is what is tested
        async with database.transaction() as connection:
            await connection.execute(text("INSERT INTO projects (name) VALUES ('lost')"))
            raise ZeroDivisionError
    assert await names(database) == ["kept"]


async def test_a_snapshot_sees_one_state_and_cannot_write(database: Database) -> None:
    async with database.snapshot() as connection:
        before = await connection.scalar(text("SELECT count(*) FROM projects"))
        async with database.transaction() as other:
            await other.execute(text("INSERT INTO projects (name) VALUES ('new')"))
        assert await connection.scalar(text("SELECT count(*) FROM projects")) == before
    with pytest.raises(Unavailable):
        async with database.snapshot() as connection:
            await connection.execute(text("INSERT INTO projects (name) VALUES ('never')"))
    assert await names(database) == ["new"]
    async with database.transaction() as connection:  # the same pooled connection can write again
        await connection.execute(text("INSERT INTO projects (name) VALUES ('next')"))


async def test_a_violated_constraint_is_not_an_outage(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.transaction() as connection:
            await connection.execute(text("INSERT INTO projects (name) VALUES ('a'), ('a')"))


async def test_an_unreachable_server_is_unavailable(tmp_path: Path) -> None:
    database = connect(NOWHERE.format(tmp_path))
    with pytest.raises(Unavailable) as caught:
        async with database.transaction():
            pass
    assert caught.value.retry_after_seconds
    await database.close()


async def test_a_full_pool_is_unavailable(database_url: str) -> None:
    database = connect(database_url, pool_size=1, pool_timeout_seconds=0.05)
    async with database.transaction():
        with pytest.raises(Unavailable):
            async with database.transaction():
                pass
    await database.close()


@pytest.mark.parametrize("limit", [{"statement_timeout_seconds": 0.05}, {"lock_timeout_seconds": 0.05}])
async def test_a_statement_that_takes_too_long_is_unavailable(database_url: str, limit: dict[str, float]) -> None:
    database = connect(database_url, **limit)
    with psycopg.connect(database_url) as holder:
        holder.execute("LOCK TABLE projects")
        with pytest.raises(Unavailable):
            async with database.transaction() as connection:
                await connection.execute(text("SELECT FROM projects"))
    await database.close()


async def test_deadlocked_transactions_lose_one_of_two(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(text("INSERT INTO projects (name) VALUES ('a'), ('b')"))
    both_hold = asyncio.Barrier(2)

    async def update(first: str, second: str) -> str:
        try:
            async with database.transaction() as connection:
                await connection.execute(
                    text("UPDATE projects SET updated_at = now() WHERE name = :name"), {"name": first}
                )
                await both_hold.wait()
                await connection.execute(
                    text("UPDATE projects SET updated_at = now() WHERE name = :name"), {"name": second}
                )
        except Unavailable:
            return "unavailable"
        return "done"

    assert sorted(await asyncio.gather(update("a", "b"), update("b", "a"))) == ["done", "unavailable"]


async def test_a_connection_is_pinged_when_it_has_not_been_in_use_for_a_moment(database: Database) -> None:
    await names(database)
    dialect = database.engine.dialect
    with patch.object(dialect, "do_ping", wraps=dialect.do_ping) as ping:
        await names(database)
        await names(database)
        assert ping.call_count == 0
        await asyncio.sleep(1.5 * MOMENT_SECONDS)
        await names(database)
        assert ping.call_count == 1


async def test_a_restarted_server_is_met_with_a_fresh_connection(database: Database, database_url: str) -> None:
    await names(database)
    with psycopg.connect(database_url, autocommit=True) as killer:
        others = "pid <> pg_backend_pid() AND datname = current_database()"
        killer.execute(f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE {others}")  # ms to end
    assert await names(database) == []


async def test_a_connection_that_dies_in_use_is_unavailable(database: Database) -> None:
    with pytest.raises(Unavailable):
        async with database.transaction() as connection:
            await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


async def test_errors_do_not_repeat_what_was_posted(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with database.transaction() as connection:
            await connection.execute(text("SELECT CAST(:value AS bigint)"), {"value": "hunter2 " * 3})
    assert "parameters hidden" in str(caught.value)


def test_urls_are_taken_in_either_form() -> None:
    assert (
        libpq_url("postgresql+psycopg://u:p%40ss@h:5433/d?sslmode=require")
        == "postgresql://u:p%40ss@h:5433/d?sslmode=require"
    )


def test_a_password_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("s/e:c@ret%\n")
    url = with_password("postgresql://forerun@database:5432/forerun?sslmode=require", file)
    assert make_url(url).password == "s/e:c@ret%"
    assert make_url(url).set(password="x") == make_url("postgresql://forerun:x@database:5432/forerun?sslmode=require")
