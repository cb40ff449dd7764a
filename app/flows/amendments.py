"""Patches of running runs, each of a request of its own: those that come while one transaction commits share the next.

A patch that is answered is durable: every answer waits for the commit.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Sequence
from types import TracebackType
from typing import Final, NamedTuple, Self

from app.errors import ForerunError, TooManyRequests
from app.flows.bells import Bells
from app.flows.halves import in_halves
from app.store import runs
from app.store.database import Database
from app.store.runs import Amended, Amendment
from app.types import StoredRun

MAX_GROUP: Final = 100
"""Patches that share one transaction: their runs are read and written whole."""
MAX_WAITING: Final = 2_000
"""Patches that may wait for theirs; more are refused rather than made late."""


class _Waiting(NamedTuple):
    amendment: Amendment
    answer: asyncio.Future[StoredRun]


class Amendments:
    """Where patches wait for each other."""

    def __init__(self, database: Database, bells: Bells) -> None:
        self._database, self._bells = database, bells
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Store and answer what waits."""
        if self._task is not None:
            await self._task

    async def amend(self, amendment: Amendment) -> StoredRun:
        """The run as it is after the commit.

        Raises: NotFound, RunFinished, pydantic.ValidationError, TooManyRequests, Unavailable.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise TooManyRequests("too many patches are waiting to be stored", retry_after_seconds=1)
        answer: asyncio.Future[StoredRun] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(amendment, answer))
        if self._task is None or self._task.done():
            nobody = contextvars.Context()  # what it logs belongs to no one request
            self._task = asyncio.create_task(self._store_all(), name="amendments", context=nobody)
        return await answer

    async def _store_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:MAX_GROUP], self._waiting[MAX_GROUP:]
            try:
                found = await self._store([waiting.amendment for waiting in group])
            except Exception as error:  # noqa: BLE001  # whatever it is, it is the waiting requests' to raise
                group, self._waiting = [*group, *self._waiting], []  # nor would those fare better who came meanwhile
                found = [error] * len(group)
            for waiting, what in zip(group, found, strict=True):
                _answer(waiting.answer, what)

    async def _store(self, amendments: Sequence[Amendment]) -> list[Amended | Exception]:
        found = await in_halves(amendments, self._store_some, lambda _: ForerunError("this patch could not be stored"))
        self._bells.ring_for(what.project_id for what in found if isinstance(what, Amended) and what.ended)
        return found

    async def _store_some(self, amendments: Sequence[Amendment]) -> list[Amended | Exception]:
        async with self._database.transaction() as connection:
            return await runs.amend(connection, amendments)


def _answer(answer: asyncio.Future[StoredRun], what: Amended | Exception) -> None:
    if answer.done():  # its client has left
        return
    if isinstance(what, Exception):
        answer.set_exception(what)
    else:
        answer.set_result(what.run)
