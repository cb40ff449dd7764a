from __future__ import annotations

import asyncio
import multiprocessing
from itertools import pairwise

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from app.store.database import Database, connect, driver_url
from app.store.migrate import _config, head, migrate, schema_is_current, unmigrate
from app.store.tables import metadata
from app.store.upsert import upsert
from app.types import Run

STRUCTURE = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE 'procrastinate%'
      AND conrelid::regclass::text <> 'alembic_version'
    UNION ALL SELECT tablename, indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename NOT LIKE 'procrastinate%' AND tablename <> 'alembic_version'
    UNION ALL SELECT table_name, column_name, concat_ws(' ', data_type, udt_name, is_nullable, column_default)
    FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name NOT LIKE 'procrastinate%' AND table_name <> 'alembic_version'
"""
EVERYTHING = """
    SELECT 'relation', relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'function', proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'type', typname FROM pg_type WHERE typnamespace = 'public'::regnamespace
"""


def rows(url: str, query: str) -> set[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return set(connection.execute(query).fetchall())


def test_the_migrated_schema_is_the_declared_one(database_url: str, empty_database_url: str) -> None:
    declared = create_engine(driver_url(empty_database_url))
    metadata.create_all(declared)
    declared.dispose()
    assert rows(database_url, STRUCTURE) == rows(empty_database_url, STRUCTURE)


def test_autogenerate_finds_nothing_to_do(database_url: str) -> None:
    engine = create_engine(driver_url(database_url))
    with engine.connect() as connection:
        ours = {"include_name": lambda name, kind, _: kind != "table" or not name.startswith("procrastinate")}
        context = MigrationContext.configure(connection, opts={**ours, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_up_down_up(empty_database_url: str) -> None:
    nothing = rows(empty_database_url, EVERYTHING)
    migrate(empty_database_url)
    first = rows(empty_database_url, EVERYTHING)
    unmigrate(empty_database_url)
    left = rows(empty_database_url, EVERYTHING) - nothing
    assert {name for _, name in left} <= {"alembic_version", "_alembic_version", "alembic_version_pkc"}
    migrate(empty_database_url)
    assert rows(empty_database_url, EVERYTHING) == first


def test_several_processes_may_migrate_at_once(empty_database_url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=migrate, args=(empty_database_url,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(300)
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    assert rows(empty_database_url, "SELECT version_num FROM alembic_version") == {(head(),)}


async def test_schema_is_current_only_after_the_migration(database: Database) -> None:
    async with database.transaction() as connection:
        assert await schema_is_current(connection)
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
        assert not await schema_is_current(connection)
        await connection.exec_driver_sql("DROP TABLE alembic_version")
        assert not await schema_is_current(connection)


# ---------------------------------------------------------------- beside code of another version

REVISIONS = [script.revision for script in reversed(list(ScriptDirectory.from_config(_config()).walk_revisions()))]
CONTRACTIONS: dict[str, set[str]] = {}
"""What a revision removes although an earlier one had it: only what no release since the one before last uses."""

SHAPE = """
    SELECT table_name || '.' || column_name, udt_name, is_nullable = 'YES' OR column_default IS NOT NULL
           OR is_identity = 'YES' OR is_generated <> 'NEVER'
    FROM information_schema.columns WHERE table_schema = 'public'
"""


@pytest.mark.parametrize(("before", "after"), list(pairwise(REVISIONS)))
def test_a_migration_only_adds_what_older_code_need_not_know(before: str, after: str, empty_database_url: str) -> None:
    migrate(empty_database_url, before)
    old = {name: (kind, optional) for name, kind, optional in rows(empty_database_url, SHAPE)}
    tables = {str(name).partition(".")[0] for name in old}
    migrate(empty_database_url, after)
    new = {name: (kind, optional) for name, kind, optional in rows(empty_database_url, SHAPE)}
    assert old.keys() - new.keys() <= CONTRACTIONS.get(after, set())
    assert {name: kind for name, (kind, _) in old.items() if name in new} == {
        name: kind for name, (kind, _) in new.items() if name in old
    }
    added = {name for name in new.keys() - old.keys() if str(name).partition(".")[0] in tables}
    assert [name for name in added if not new[name][1]] == []  # older code leaves them out of its INSERTs


async def test_code_serves_on_the_schema_of_a_later_version(database: Database, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    migrate(database_url)  # a container of the older version that starts again
    assert rows(database_url, "SELECT version_num FROM alembic_version") == {("9999",)}
    async with database.snapshot() as connection:
        assert await schema_is_current(connection)


async def test_runs_come_in_while_the_schema_changes(empty_database_url: str) -> None:
    migrate(empty_database_url, REVISIONS[1])
    database = connect(empty_database_url)
    migrated = asyncio.Event()

    async def post() -> int:
        n = 0
        while n == 0 or not migrated.is_set():
            async with database.transaction() as connection:
                await upsert(connection, [Run(run_id=str(n), dataset="d", state="completed", metrics={"y": 0.0})])
            n += 1
        return n

    posting = asyncio.create_task(post())
    await asyncio.to_thread(migrate, empty_database_url)
    migrated.set()
    n = await posting
    await database.close()
    assert rows(empty_database_url, "SELECT count(*) FROM runs") == {(n,)}
