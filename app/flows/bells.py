"""The worker hears of new runs after they are committed: one bell for all transactions that ended meanwhile.

A bell in the ingest's own transaction cost it a third of its time, for two statements each. One that is lost with its
process is made good by the periodic look at every project.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from app.errors import ForerunError
from app.store import jobs
from app.store.database import Database

log = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 0.05
"""Between two bells; the first one after a silence rings at once."""


class Bells:
    """Rings in the background, in the order in which projects got runs."""

    def __init__(self, database: Database, delay_seconds: float) -> None:
        self._database = database
        self._delay_seconds = delay_seconds
        self._due: set[int] = set()
        self._task: asyncio.Task[None] | None = None

    def ring_for(self, project_ids: Iterable[int]) -> None:
        """Have refits of these projects considered; to be called after the commit."""
        self._due.update(project_ids)
        if self._due and (self._task is None or self._task.done()):
            nobody = contextvars.Context()  # what it logs belongs to no one request
            self._task = asyncio.create_task(self._ring(), name="bells", context=nobody)

    async def rung(self) -> None:
        """Returns when every bell has been rung, or nobody could be reached."""
        if self._task is not None:
            with suppress(asyncio.CancelledError):
                await self._task

    async def _ring(self) -> None:
        while self._due:
            due, self._due = self._due, set()
            try:
                async with self._database.transaction() as connection:
                    await jobs.ring_for_runs(connection, due, self._delay_seconds)
            except ForerunError as error:
                log.warning("new runs of %d projects wait for the periodic look: %s", len(due), error.detail)
            await asyncio.sleep(PAUSE_SECONDS)
