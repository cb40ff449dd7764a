"""A replica for reading: asked only where it shows all that was committed when the reading began.

So a read never misses what was written before it, through whichever process: the primary tells how far its log is (one
short question for all who come meanwhile), and the replica has come that far or gets a moment to. Where it does not in
time, or cannot be reached, the primary answers, and the replica is left alone for a while. Where it is the primary that
cannot be reached, the replica answers as it is.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app import telemetry

log = logging.getLogger(__name__)

REST_SECONDS: Final = 1.0
"""How long a replica that fell behind or failed is not asked."""
LOOK_SECONDS: Final = 0.005
"""Between two looks at how far it has come."""
_FAILURES: Final = (SQLAlchemyError, psycopg.Error, OSError)

_WRITTEN: Final = text("SELECT pg_current_wal_flush_lsn()::text")
_CAUGHT_UP: Final = text("SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= CAST(:position AS pg_lsn)")


class Replica:
    """A pool of connections to a standby of a primary."""

    def __init__(self, engine: AsyncEngine, primary: AsyncEngine, wait_seconds: float) -> None:
        self.engine = engine
        self._primary = primary
        self._wait_seconds = wait_seconds
        self._resting_until = 0.0
        self._one_at_a_time = asyncio.Lock()
        self._question: asyncio.Task[str | None] | None = None

    @asynccontextmanager
    async def caught_up(self) -> AsyncIterator[AsyncConnection | None]:
        """A connection on which all is seen that is committed by now; None: the primary has to answer."""
        if time.monotonic() < self._resting_until:
            yield None
            return
        connection = None
        try:
            position = await self._position()
            connection = await self.engine.connect()
            good = await self._reaches(connection, position)
        except _FAILURES as error:
            log.warning("the replica cannot be asked: %s", type(error).__name__)
            good = False
        try:
            if not good:
                self._resting_until = time.monotonic() + REST_SECONDS
            telemetry.REPLICA_READS.labels("replica" if good else "primary").inc()
            yield connection if good else None
        finally:
            if connection is not None:
                await connection.close()

    async def close(self) -> None:
        await self.engine.dispose()

    async def _position(self) -> str | None:
        """How far the primary's log is, or was when it was asked after this call; None: it cannot be asked."""
        if self._question is None:
            self._question = asyncio.create_task(self._ask())
        return await asyncio.shield(self._question)

    async def _ask(self) -> str | None:
        async with self._one_at_a_time:
            self._question = None  # whoever comes from now on needs a later answer
            try:
                async with self._primary.connect() as connection:
                    found: str = (await connection.execute(_WRITTEN)).scalar_one()
                    return found
            except PoolTimeoutError:
                raise  # a primary that is busy is not one that is gone
            except _FAILURES:
                return None

    async def _reaches(self, connection: AsyncConnection, position: str | None) -> bool:
        """Wait for a position to be replayed, a little; on its own, since a snapshot is as old as its first look."""
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        deadline = time.monotonic() + self._wait_seconds
        while position is not None and not await connection.scalar(_CAUGHT_UP, {"position": position}):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(LOOK_SECONDS)
        await connection.rollback()
        return True
