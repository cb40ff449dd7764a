"""The schema, brought up to date when a process starts: any number may start at once."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, event, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.errors import Unavailable
from app.store.database import driver_url, libpq_url

log = logging.getLogger(__name__)

LOCK = 0x666F7265  # "fore": the advisory lock that one migration at a time holds
LOCK_TIMEOUT = "4s"  # a migration waits this long for a table's lock and no longer, so that it never stops the ingest


def migrate(url: str, revision: str = "head") -> None:
    """Bring the schema to `revision`, each step in one transaction; others wait meanwhile and then find it done."""
    _run(url, revision, command.upgrade)


def unmigrate(url: str, revision: str = "base") -> None:
    """Take the schema back to `revision`, with the data that older tables cannot hold."""
    _run(url, revision, command.downgrade)


def wait_for_database(url: str, timeout_seconds: float) -> None:
    """Return as soon as the database answers. Raises: Unavailable when it does not in time."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            psycopg.connect(libpq_url(url), connect_timeout=2).close()
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise Unavailable("The database cannot be reached", retry_after_seconds=5) from error
            time.sleep(0.2)
        else:
            return


async def schema_is_current(connection: AsyncConnection) -> bool:
    """Whether the tables have what this code uses: those of its own version, or of a later one, which only add."""
    if not await connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL")):
        return False
    found = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found is not None and found >= head()  # revisions are numbered so that they sort


@cache
def head() -> str:
    """The newest revision there is a script for."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    assert newest is not None
    return newest


def _run(url: str, revision: str, change: Callable[[Config, str], None]) -> None:
    unprepared: dict[str, Any] = {"prepare_threshold": None}  # nothing may be left on a connection that is a pooler's
    engine = create_engine(driver_url(url), poolclass=NullPool, connect_args=unprepared)
    event.listen(engine, "begin", lambda begun: begun.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
    with psycopg.connect(libpq_url(url), prepare_threshold=None) as guard, engine.connect() as connection:
        _wait_for_turn(guard)
        found = MigrationContext.configure(connection).get_current_revision()
        connection.rollback()
        if found is not None and found > head():
            log.warning("the schema is at %s, later than the %s of this version, and is left as it is", found, head())
            return
        config = _config()
        config.attributes["connection"] = connection
        change(config, revision)


def _wait_for_turn(guard: psycopg.Connection) -> None:
    """Hold the lock until the guard's transaction ends, with no snapshot, for which concurrent indexing would wait.

    Hence no parameters, whose portal keeps one, and no waiting in a statement.
    """
    while guard.execute(f"SELECT pg_try_advisory_xact_lock({LOCK})").fetchone() != (True,):
        time.sleep(0.1)


def _config() -> Config:
    """Where the scripts are: in the package when it was installed, beside it in a checkout."""
    here = Path(__file__).resolve()
    installed, checkout = here.parents[1] / "migrations", here.parents[2] / "migrations"
    config = Config()
    config.set_main_option("script_location", str(installed if installed.is_dir() else checkout).replace("%", "%%"))
    return config
