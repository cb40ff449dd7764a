"""What processes tell each other at once: that a project's champion was switched (LISTEN/NOTIFY).

A notice is a hint to look, never a fact. Those of the time without a connection are lost, so that whoever listens looks
now and then by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.store.database import libpq_url

log = logging.getLogger(__name__)

CHAMPIONS: Final = "forerun_champions"
RECONNECT_SECONDS: Final = 1.0
_LINE: Final[dict[str, Any]] = {
    "autocommit": True,
    "connect_timeout": 5,
    "application_name": "forerun notices",
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,  # a line cut without a word is noticed
}


async def champion_switched(connection: AsyncConnection, project: str) -> None:
    """Tell every process that listens, once and if this transaction commits."""
    await connection.execute(text("SELECT pg_notify(:channel, :project)"), {"channel": CHAMPIONS, "project": project})


async def listen(url: str, heard: Callable[[], object]) -> None:
    """Call `heard` after every notice, and whenever notices may have been missed, until cancelled."""
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(libpq_url(url), **_LINE) as line:
                await line.execute(f"LISTEN {CHAMPIONS}")
                heard()
                async for _ in line.notifies():
                    heard()
        except (psycopg.Error, OSError) as error:
            log.debug("notices cannot be listened to, and are tried again: %s", type(error).__name__)
        await asyncio.sleep(RECONNECT_SECONDS)
