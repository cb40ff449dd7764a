from __future__ import annotations

import multiprocessing

import psycopg
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from app.store.database import Database, driver_url
from app.store.migrate import head, migrate, schema_is_current, unmigrate
from app.store.tables import metadata

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
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    assert rows(empty_database_url, "SELECT version_num FROM alembic_version") == {(head(),)}


async def test_schema_is_current_only_after_the_migration(database: Database) -> None:
    async with database.transaction() as connection:
        assert await schema_is_current(connection)
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
        assert not await schema_is_current(connection)
        await connection.exec_driver_sql("DROP TABLE alembic_version")
        assert not await schema_is_current(connection)
