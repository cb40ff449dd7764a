from __future__ import annotations

from uuid import UUID

import psycopg
import pytest

from app.errors import InvalidCursor
from app.store import audit, keys, meta_learners, projects, runs
from app.store.database import Database
from app.store.migrate import migrate, schema_is_current, unmigrate
from app.store.upsert import upsert
from app.types import DatasetReference, Run

RUN = Run(dataset=DatasetReference(name="iris"), state="completed", metrics={"accuracy": 1.0}, run_id="a")


async def test_what_is_done_is_on_record_in_the_order_in_which_it_was_done(database: Database) -> None:
    async with database.transaction() as connection:
        key = await keys.insert_one(
            connection, name="ci", prefix="fr_ab", hash=bytes(32), scopes=["read"], who="somebody"
        )
        await keys.revoke(connection, key.id)
        await keys.revoke(connection, key.id)  # changes nothing, and is not put on record twice
        (outcome,) = await upsert(connection, [RUN])
        assert outcome.id is not None
        await runs.remove(connection, outcome.id, who=str(key.id))
        project = await projects.get(connection, "default")
        fitted = await meta_learners.insert_next(
            connection, project.id, b"", n_runs=0, n_datasets=0, format_version=1, report={}, verdict={}
        )
        await meta_learners.promote(connection, fitted, who=audit.WORKER)
    async with database.snapshot() as connection:
        events, following = await audit.page(connection, cursor=None, limit=10)
    assert following is None
    assert [(event.who, event.what, event.subject, event.project) for event in reversed(events)] == [
        ("somebody", "key_created", str(key.id), None),
        ("local", "key_revoked", str(key.id), None),
        (str(key.id), "run_deleted", str(outcome.id), "default"),
        ("worker", "meta_learner_promoted", str(fitted), "default"),
    ]
    assert events[1].details == {"run_id": "a"}
    assert "hash" not in str(events[3].details)


async def test_what_is_undone_is_not_on_record(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as connection:
            await audit.add(connection, "local", "run_deleted", UUID(int=1))
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    async with database.snapshot() as connection:
        assert await audit.page(connection, cursor=None, limit=10) == ([], None)


async def test_pages_neither_skip_nor_repeat(database: Database) -> None:
    async with database.transaction() as connection:
        for number in range(5):
            await audit.add(connection, "local", "run_deleted", UUID(int=number))
    seen, cursor = [], None
    async with database.snapshot() as connection:
        while True:
            page, cursor = await audit.page(connection, cursor=cursor, limit=2)
            seen += [UUID(event.subject).int for event in page]
            if cursor is None:
                break
        with pytest.raises(InvalidCursor):
            await audit.page(connection, cursor="nonsense", limit=2)
    assert seen == [4, 3, 2, 1, 0]


@pytest.mark.parametrize("statement", ["UPDATE audit SET who = 'nobody'", "DELETE FROM audit", "TRUNCATE audit"])
def test_the_record_can_only_grow(database_url: str, statement: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO audit (who, what, subject) VALUES ('local', 'run_deleted', 'x')")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            connection.execute(statement)
        assert connection.execute("SELECT count(*) FROM audit").fetchone() == (1,)


def test_the_migration_goes_up_and_down(empty_database_url: str) -> None:
    def there() -> tuple[bool, bool]:
        with psycopg.connect(empty_database_url) as connection:
            query = "SELECT to_regclass('audit') IS NOT NULL, to_regproc('audit_refuse') IS NOT NULL"
            row = connection.execute(query).fetchone()
            assert row is not None
            return row

    migrate(empty_database_url, "0001")
    assert there() == (False, False)
    migrate(empty_database_url)
    assert there() == (True, True)
    unmigrate(empty_database_url, "0001")
    assert there() == (False, False)
    migrate(empty_database_url)
    assert there() == (True, True)


async def test_the_schema_of_the_version_before_is_not_current(empty_database_url: str, database: Database) -> None:
    async with database.transaction() as connection:
        assert await schema_is_current(connection)
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
        assert not await schema_is_current(connection)
