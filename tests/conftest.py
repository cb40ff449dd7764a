"""What every test may ask for: a real PostgreSQL, started once, and a freshly migrated database on it.

One server serves all the processes of `pytest -n`: its directory is named after their session, and its own file locks
keep it alive until the last one leaves. The schema is migrated once, into a template that is copied for each test.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import hypothesis
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from app.config import Settings
from app.learn.bundle import from_bytes
from app.learn.meta_learner import MetaLearner
from app.learn.train import Trained, train
from app.store.database import Database, connect, libpq_url
from app.store.embedded import embedded_postgres
from app.store.migrate import migrate
from tests.histories import history, table
from tests.secrets import Listener

hypothesis.settings.register_profile("forerun", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("forerun")  # how long an example takes says more of the machine than of us

TEMPLATE = "template_forerun"
IMPATIENT = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "deadlock_timeout": "50ms",
    "authentication_timeout": "5s",  # DROP DATABASE waits for clients that are about to connect, and here blocks them
}
"""A test's database need not survive the machine; what must is tested on servers of its own."""


@pytest.fixture(scope="session", autouse=True)
def _no_secret_is_logged() -> Iterator[None]:
    """By any test of this process; processes that tests start are looked at where they are started."""
    listener = Listener()
    logging.getLogger().addHandler(listener)
    yield
    assert not listener.talkative


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The libpq URL of a server of this test session's own."""
    session = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"pid-{os.getpid()}")
    data_dir = Path(tempfile.gettempdir(), f"forerun-test-{session}")
    try:
        with embedded_postgres(data_dir) as url:
            with psycopg.connect(url, autocommit=True) as connection:
                for name, value in IMPATIENT.items():
                    connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), value))
                connection.execute("SELECT pg_reload_conf()")
            yield url
    finally:
        _remove_unless_in_use(data_dir)


def _remove_unless_in_use(data_dir: Path) -> None:
    if not (data_dir / "postgres" / "data" / "postmaster.pid").exists():
        shutil.rmtree(data_dir, ignore_errors=True)


@pytest.fixture(scope="session")
def template(server_url: str) -> str:
    """The name of a migrated database that nobody is connected to, which is what PostgreSQL can copy."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(1)")  # released with the connection
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone():
            fresh = f"{TEMPLATE}_fresh"  # a migration that fails leaves no template behind
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(fresh)))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(fresh)))
            migrate(named(server_url, fresh))
            connection.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(fresh), sql.Identifier(TEMPLATE))
            )
    return TEMPLATE


def named(server_url: str, database: str) -> str:
    """The URL of another database on the same server."""
    return libpq_url(make_url(server_url).set(database=database).render_as_string(hide_password=False))


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """A database without a table in it."""
    yield from _database(server_url, "template0")


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """A database with the current schema and no row in it."""
    yield from _database(server_url, template)


def _database(server_url: str, template: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        statement = "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY"
        connection.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(template)))
        yield named(server_url, name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A handle on a database with the current schema and no row in it."""
    database = connect(database_url, pool_size=5)
    yield database
    await database.close()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings that point at the test's database and disturb nothing else.

    Models are fitted one by one: where one fit of CatBoost ends, another in the same process may find its own handler
    of interrupts gone, between looking at it and calling it, and crash: once in some ten thousand small fits.
    """
    return Settings(database_url=database_url, data_dir=tmp_path / "data", port=0, worker=False, refit_threads=1)


# ---------------------------------------------------------------- a history that was learned from


@pytest.fixture(scope="session")
def trained() -> Trained:
    """Ten datasets with thirty runs each, some of which failed; dataset 5 is held out."""
    return train(table(history([d for d in range(11) if d != 5], 30, failing=True)), seed=0, threads=1)


@pytest.fixture(scope="session")
def learner(trained: Trained) -> MetaLearner:
    return from_bytes(trained.content)
