"""The way to PostgreSQL: one pool, transactions that commit at the edge, and failures told as `Unavailable`."""

from __future__ import annotations

import asyncio
import os
import select
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import URL, QueuePool, event, make_url
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app import telemetry
from app.errors import Unavailable
from app.store import documents
from app.store.homes import Homes
from app.store.replica import Replica
from app.tracing import trace_statements

__all__ = ["AsyncConnection", "Database", "connect", "driver_url", "libpq_url", "told_as_unavailable"]

RETRY_AFTER_SECONDS = 1
ROUND_TRIP_SECONDS = 1.0
"""What the server may take beyond the limit that it keeps itself, before it is taken for hung."""

MOMENT_SECONDS = 0.1
"""How long after its last use a connection is taken again without a ping: a server may hang, and tell nobody."""

SEND_BYTES = 2 * 2**20
"""On their way to a server on the same machine: a thousand runs. The system may allow less."""

T = TypeVar("T")


class _Impatient(psycopg.AsyncConnection[Any]):
    """A connection that hangs up on a server which says nothing for `patience` seconds.

    `statement_timeout` is kept by the server, and so not by one that is frozen; a Unix socket never times out. What is
    shut down here reads as a lost connection to everybody concerned: to libpq, to SQLAlchemy and its pool.
    """

    patience = 5.0  # while it is set up; then the pool says
    given_back = 0.0
    """When, by the monotonic clock."""

    async def wait(self, gen: PQGen[T], *arguments: Any, **options: Any) -> T:
        watchdog = asyncio.get_running_loop().call_later(self.patience, self._hang_up)
        try:
            return await super().wait(gen, *arguments, **options)
        finally:
            watchdog.cancel()

    def _hang_up(self) -> None:
        with suppress(psycopg.OperationalError, OSError), self._socket() as line:
            line.shutdown(socket.SHUT_RDWR)

    def widen(self) -> None:
        """Let much be sent at once: what is copied would wait for this process to find time for each 200 KiB of it.

        TCP's own buffers grow by themselves, and no more once they were set.
        """
        with self._socket() as line:
            if line.family == socket.AF_UNIX:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)

    def _socket(self) -> socket.socket:
        return socket.socket(fileno=os.dup(self.pgconn.socket))

    def is_surely_alive(self) -> bool:
        """Whether it was in use a moment ago, and the server has neither hung up nor said anything since.

        No round trip, in which the runs of a batch would wait for those of the next ones to be read.
        """
        if self.closed or time.monotonic() - self.given_back > MOMENT_SECONDS:
            return False
        line = select.poll()
        line.register(self.pgconn.socket, select.POLLIN)
        return not line.poll(0)


@dataclass(frozen=True, slots=True)
class Database:
    """A pool of connections to one PostgreSQL database, and one to a replica of it where there is one."""

    engine: AsyncEngine
    replica: Replica | None = None
    homes: Homes = field(default_factory=Homes)
    bulk: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """What is held while a piece of something large is stored: it leaves connections for everybody else."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed when the block ends, rolled back when it raises.

        Raises: Unavailable when the database cannot be reached, is too busy or timed out.
        """
        with told_as_unavailable():
            async with self._connection() as connection, connection.begin():
                yield connection

    @asynccontextmanager
    async def line(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """A bare connection of the pool, for statements that are a transaction each: no ping between them.

        Raises: Unavailable when the database cannot be reached, is too busy or timed out.
        """
        with told_as_unavailable():
            async with self._connection() as connection:
                driver = (await connection.get_raw_connection()).driver_connection
                assert isinstance(driver, psycopg.AsyncConnection)
                await driver.set_autocommit(True)
                try:
                    yield driver
                finally:
                    if not driver.closed:
                        await driver.set_autocommit(False)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """A read-only transaction in which every statement sees the same state: of now, whoever committed it where.

        A replica is asked if there is one that has come this far. Raises: Unavailable when the database cannot be
        reached, is too busy or timed out.
        """
        with told_as_unavailable():
            async with self._reading() as connection:
                await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                async with connection.begin():
                    yield connection

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        async with AsyncExitStack() as stack:
            connection = await stack.enter_async_context(self.replica.caught_up()) if self.replica else None
            if connection is None:
                connection = await stack.enter_async_context(self._connection())
            yield connection

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        async with AsyncExitStack() as stack:
            with telemetry.DATABASE_CHECKOUT_SECONDS.time():
                connection = await stack.enter_async_context(self.engine.connect())
            yield connection

    def connections(self) -> dict[str, int]:
        """How many connections this process has, by what they do, and `most` that it may have."""
        pool = self.engine.pool
        assert isinstance(pool, QueuePool)
        return {"in_use": pool.checkedout(), "idle": pool.checkedin(), "most": pool.size()}

    async def close(self) -> None:
        await self.engine.dispose()
        if self.replica is not None:
            await self.replica.close()


def connect(
    url: str,
    *,
    replica_url: str | None = None,
    replica_wait_seconds: float = 0.1,
    pooled: bool = False,
    pool_size: int = 10,
    pool_timeout_seconds: float = 2.0,
    connect_timeout_seconds: int = 2,
    statement_timeout_seconds: float = 10.0,
    lock_timeout_seconds: float = 5.0,
) -> Database:
    """A handle on the database at `url` (libpq or SQLAlchemy form); connects at the first use, not here.

    `pooled`: the URLs lead through a pooler that lends a connection for a transaction, so that nothing may be left on
    one: no prepared statement, and no setting that outlives the transaction.
    """
    limits = {
        "statement_timeout": f"{round(statement_timeout_seconds * 1000)}ms",
        "lock_timeout": f"{round(lock_timeout_seconds * 1000)}ms",
        "idle_in_transaction_session_timeout": "600s",  # a holder that hangs must not keep its row locks for ever
        "timezone": "UTC",
    }

    def engine(url: str) -> AsyncEngine:
        made = create_async_engine(
            driver_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=pool_timeout_seconds,
            pool_use_lifo=True,  # the busiest connections have the warmest plans and caches
            connect_args={
                "connect_timeout": connect_timeout_seconds,
                "application_name": "forerun",
                "async_creator_fn": _Impatient.connect,
                **({"prepare_threshold": None} if pooled else {"options": _options(url, limits)}),
            },
            json_serializer=documents.dumps,
            json_deserializer=documents.loads,
            hide_parameters=True,  # errors are logged, and must not carry what clients posted
        )
        if pooled:
            _limit_transactions(made, limits)
        _look_after(made, connect_timeout_seconds, statement_timeout_seconds + ROUND_TRIP_SECONDS)
        trace_statements(made.sync_engine)
        return made

    primary = engine(url)
    replica = Replica(engine(replica_url), primary, replica_wait_seconds) if replica_url else None
    return Database(primary, replica, bulk=asyncio.Semaphore(max(1, pool_size // 2)))


def _options(url: str, limits: Mapping[str, str]) -> str:
    given = driver_url(url).query.get("options", ())
    own = [given] if isinstance(given, str) else given
    return " ".join([*own, *(f"-c {name}={value}" for name, value in limits.items())])


def _limit_transactions(engine: AsyncEngine, limits: Mapping[str, str]) -> None:
    """Set the limits anew in every transaction, which may have another session than the one before."""
    settings = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in limits.items())
    event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql(f"SELECT {settings}"))


def _look_after(engine: AsyncEngine, idle: float, in_use: float) -> None:
    """Nobody is handed a dead connection, after a restart of the server, say.

    Patience is short for the ping of one that is about to be taken, and as long as a statement after.
    """

    def begin(connection: Any, record: Any) -> None:
        connection.driver_connection.widen()
        give_back(connection, record)

    def take(connection: Any, _record: Any, _holder: Any) -> None:
        driver: _Impatient = connection.driver_connection
        if not driver.is_surely_alive():
            try:
                engine.dialect.do_ping(connection)
            except psycopg.Error as error:
                raise InvalidatePoolError from error  # which tries once more, with a new one
        driver.patience = in_use

    def give_back(connection: Any, _record: Any) -> None:
        if connection is not None:  # one that was invalidated is returned without itself
            connection.driver_connection.patience = idle
            connection.driver_connection.given_back = time.monotonic()

    event.listen(engine.sync_engine, "connect", begin)
    event.listen(engine.sync_engine, "checkout", take)
    event.listen(engine.sync_engine, "checkin", give_back)


def libpq_url(url: str) -> str:
    """The form that psycopg, procrastinate and psql read: no driver in the scheme."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def with_password(url: str, file: Path) -> str:
    """The URL with the password that is the first line of a file, as container secrets are given. Raises: OSError."""
    password = file.read_text(encoding="utf-8").partition("\n")[0].strip()
    return make_url(url).set(password=password).render_as_string(hide_password=False)


def driver_url(url: str) -> URL:
    """The form that SQLAlchemy reads, whichever was given."""
    return make_url(url).set(drivername="postgresql+psycopg")


@contextmanager
def told_as_unavailable() -> Iterator[None]:
    """Raises Unavailable for whatever may work on a retry."""
    try:
        yield
    except PoolTimeoutError as error:
        raise _unavailable("pool", "All connections to the database are in use") from error
    except DBAPIError as error:
        if not _is_outage(error):
            raise
        raise _unavailable("error", "The database cannot be used right now") from error
    except (psycopg.OperationalError, ConnectionError) as error:
        raise _unavailable("lost", "The database cannot be reached") from error


def _is_outage(error: DBAPIError) -> bool:
    """Lost or refused connections, timeouts, deadlocks, a full disk, a read-only server: it may work on a retry."""
    cause = error.orig
    return error.connection_invalidated or isinstance(
        cause, (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ReadOnlySqlTransaction)
    )


def _unavailable(reason: str, detail: str) -> Unavailable:
    telemetry.DATABASE_UNAVAILABLE.labels(reason).inc()
    return Unavailable(detail, retry_after_seconds=RETRY_AFTER_SECONDS)
