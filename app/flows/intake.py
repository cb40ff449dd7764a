"""Single runs, each of a request of its own, on their way in together.

A run that is answered as created or duplicate is durable: every answer waits for the commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, NamedTuple, Self, TypeAlias

from app import telemetry
from app.errors import TooManyRequests, Unavailable
from app.flows.bells import Bells
from app.flows.ingest import store, store_swiftly
from app.store.arrivals import Arrival
from app.store.database import Database
from app.store.swift_insert import Driver
from app.store.upsert import Outcome
from app.types import Run

MAX_GROUP: Final = 500
"""Single runs that share one transaction."""
MAX_GROUP_BYTES: Final = 2**20
"""What is read for one: it takes some ten milliseconds."""
LINGER_SECONDS: Final = 0.02
"""How long a connection is kept for the next run: to get one again costs as much as to store a few."""
MAX_WAITING: Final = 2_000
"""Single runs that may wait for theirs (under a second's worth); more are refused rather than made late."""
NAMED: Final = 3
"""Requests whose ids stand in the log lines of a transaction that they share."""

Reader: TypeAlias = Callable[[Sequence[bytes]], Sequence[Arrival | None]]
"""Reads bodies, each of which should be a run; None: it hesitates."""


_Answer: TypeAlias = "asyncio.Future[Outcome | None]"


class _Waiting(NamedTuple):
    """A run, or a body that has to be read first, of a caller who reaches some projects; and who waits for it."""

    run: Run | Arrival | bytes
    reaches: Callable[[str], bool]
    answer: _Answer
    asked: str | None
    """The id of the request."""


class Intake:
    """Single runs from concurrent requests share a transaction: while one commits, the next one fills."""

    def __init__(
        self,
        database: Database,
        refit_delay_seconds: float,
        patience_seconds: float = 60.0,
        read: Reader = lambda bodies: [None] * len(bodies),
    ) -> None:
        self._database = database
        self._patience_seconds = patience_seconds
        self._read = read
        self.bells = Bells(database, refit_delay_seconds)
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue(MAX_WAITING)
        self._idle = asyncio.Event()
        self._open = False
        self._n_waiting = 0
        telemetry.INGEST_WAITING.set_function(lambda: self._n_waiting)

    async def __aenter__(self) -> Self:
        self._open = True
        self._task = asyncio.create_task(self._flush_for_ever(), name="intake")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Take no more; store and answer what waits."""
        self._open = False
        await self._waiting.join()
        await self._idle.wait()  # the last connection is given back
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await self.bells.rung()

    async def store(self, run: Run | Arrival) -> Outcome:
        """Returns after the commit. Raises: TooManyRequests, Unavailable, and what else happened to the run."""
        outcome = await self._stored(run, _everywhere)
        assert outcome is not None
        return outcome

    async def store_body(self, body: bytes, reaches: Callable[[str], bool]) -> Outcome | None:
        """The same for a run that is read on the way, together with others.

        None, and nothing done, where there is doubt about what it says, or it is of a project that is not reached.
        """
        return await self._stored(body, reaches)

    async def _stored(self, run: Run | Arrival | bytes, reaches: Callable[[str], bool]) -> Outcome | None:
        if not self._open:
            raise Unavailable("the service is stopping", retry_after_seconds=1)
        loop = asyncio.get_running_loop()
        answer: _Answer = loop.create_future()
        try:
            self._waiting.put_nowait(_Waiting(run, reaches, answer, telemetry.request_id.get()))
        except asyncio.QueueFull:
            raise TooManyRequests("too many runs are waiting to be stored", retry_after_seconds=1) from None
        self._n_waiting += 1
        patience = loop.call_later(self._patience_seconds, _give_up, answer)  # a third of what asyncio.timeout takes
        try:
            return await answer
        finally:
            patience.cancel()
            self._n_waiting -= 1

    async def _flush_for_ever(self) -> None:
        while True:
            self._idle.set()
            first = await self._waiting.get()
            self._idle.clear()
            try:
                async with self._database.line() as line:
                    await self._flush_while_busy(first, line)
            except Unavailable as error:  # there is no line, and none for those who came meanwhile
                group = [first, *(self._waiting.get_nowait() for _ in range(self._waiting.qsize()))]
                _fail([waiting.answer for waiting in group], error)
                for _ in group:
                    self._waiting.task_done()

    async def _flush_while_busy(self, first: _Waiting, line: Driver) -> None:
        """Group after group over one connection, which is given back when nobody has come for a moment."""
        group = [first]
        while group:
            n_bytes = sum(map(_size, group))
            while len(group) < MAX_GROUP and n_bytes < MAX_GROUP_BYTES and not self._waiting.empty():
                group.append(self._waiting.get_nowait())
                n_bytes += _size(group[-1])
            _log_in_the_name_of([waiting.asked for waiting in group if waiting.asked])
            try:
                await self._flush([waiting for waiting in group if not waiting.answer.done()], line)
            finally:
                for _ in group:
                    self._waiting.task_done()
            group = [] if line.broken else await self._next()

    async def _next(self) -> list[_Waiting]:
        """Whoever is the next to wait, if anybody comes in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(0 if not self._open else LINGER_SECONDS):
                return [await self._waiting.get()]
        return []

    async def _flush(self, group: Sequence[_Waiting], line: Driver) -> None:
        """All that still wait, each of whom hears what became of it."""
        try:
            taken = self._read_all(group)
            swift = await store_swiftly(self._database, [run for run, _ in taken], self.bells, line) if taken else []
            _answer(taken, swift)
            rest = [each for each, outcome in zip(taken, swift, strict=True) if outcome is None]
            if rest:
                _answer(rest, await store(self._database, [run for run, _ in rest], self.bells))
        except Exception as error:  # noqa: BLE001  # whatever it is, it is the waiting requests' to raise
            _fail([waiting.answer for waiting in group], error)

    def _read_all(self, group: Sequence[_Waiting]) -> list[tuple[Run | Arrival, _Answer]]:
        """The runs, and who waits for each; who sent something else is told so."""
        read = iter(self._read([waiting.run for waiting in group if isinstance(waiting.run, bytes)]))
        taken: list[tuple[Run | Arrival, _Answer]] = []
        for waiting in group:
            run = next(read) if isinstance(waiting.run, bytes) else waiting.run
            if run is None or not waiting.reaches(run.project):
                waiting.answer.set_result(None)
            else:
                taken.append((run, waiting.answer))
        return taken


def _answer(taken: Sequence[tuple[Run | Arrival, _Answer]], outcomes: Sequence[Outcome | None]) -> None:
    for (_, answer), outcome in zip(taken, outcomes, strict=True):
        if outcome is not None and not answer.done():  # whose client has not left
            answer.set_result(outcome)


def _give_up(answer: _Answer) -> None:
    detail = "this run has not been stored in time, though it may still be; a retry is safe"
    _fail([answer], Unavailable(detail, retry_after_seconds=1))


def _everywhere(_project: str) -> bool:
    return True


def _size(waiting: _Waiting) -> int:
    return len(waiting.run) if isinstance(waiting.run, bytes) else 0


def _fail(answers: Sequence[_Answer], error: Exception) -> None:
    for answer in answers:
        if not answer.done():
            answer.set_exception(error)


def _log_in_the_name_of(requests: Sequence[str]) -> None:
    """What a group's transaction logs belongs to several requests, of which the first are named."""
    more = f" and {len(requests) - NAMED} more" if len(requests) > NAMED else ""
    telemetry.request_id.set(", ".join(requests[:NAMED]) + more or None)
