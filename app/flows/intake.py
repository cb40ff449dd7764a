"""Single runs, each of a request of its own, on their way in together.

A run that is answered as created or duplicate is durable: every answer waits for the commit.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import chain
from types import TracebackType
from typing import Final, NamedTuple, Protocol, Self, TypeAlias

from app import telemetry
from app.errors import TooManyRequests, Unavailable
from app.flows.bells import Bells
from app.flows.ingest import store, store_swiftly
from app.store.arrivals import Arrival
from app.store.database import Database
from app.store.swift_insert import Driver
from app.store.upsert import Outcome
from app.types import Run

log = logging.getLogger("forerun.ingest")

MAX_GROUP: Final = 500
"""Single runs that share one transaction."""
MAX_GROUP_BYTES: Final = 2**20
"""What is read for one: it takes some ten milliseconds."""
LINGER_SECONDS: Final = 0.02
"""How long a connection is kept for the next run: to get one again costs as much as to store a few."""
MAX_WAITING: Final = 2_000
"""Single runs that may wait for theirs (under a second's worth); more are refused rather than made late."""
TOGETHER: Final = 8
"""Bodies that are worth reading before it is their turn."""
NAMED: Final = 3
"""Requests whose ids stand in the log lines of a transaction that they share."""

Reader: TypeAlias = Callable[[Sequence[bytes]], Sequence[Arrival | None]]
"""Reads bodies, each of which should be a run; None: it hesitates."""


class Answer(Protocol):
    """Where an outcome is awaited: what a future has of one."""

    def done(self) -> bool:
        """Whether it is known, or nobody waits for it any more."""

    def set_result(self, outcome: Outcome | None, /) -> None:
        """What became of the run; None if nothing did: there is doubt about it, or its project is not reached."""

    def set_exception(self, error: Exception, /) -> None:
        """Why it was not stored, or not in time."""


class _Waiting(NamedTuple):
    """A run, or a body that has to be read first, of a caller who reaches some projects; and who waits for it."""

    run: Run | Arrival | bytes
    reaches: Callable[[str], bool]
    answer: Answer
    asked: str | None
    """The id of the request."""
    since: float
    n_bytes: int
    """Of the body."""


_Group: TypeAlias = "list[tuple[Run | Arrival, _Waiting]]"
"""Runs that are read, and who waits for each."""
_Outcomes: TypeAlias = "Sequence[Outcome | Exception]"
"""What became of each, or why nothing is known of that."""


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
        self._waiting: deque[_Waiting] = deque()
        self._stored: _Group = []
        """Those of the transaction under way."""
        self._next: _Group = []
        """Those of the one after it, as far as they are read."""
        self._turn = asyncio.Event()
        self._enough = 1
        """How many have to wait for it to be somebody's turn."""
        self._alarm: asyncio.TimerHandle | None = None
        self._open = False
        telemetry.INGEST_WAITING.set_function(lambda: len(self._stored) + len(self._next) + len(self._waiting))

    async def __aenter__(self) -> Self:
        self._open = True
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._flush_until_closed(), name="intake")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Take no more; store and answer what waits."""
        self._open = False
        self._turn.set()
        await self._task
        if self._alarm is not None:
            self._alarm.cancel()
        await self.bells.rung()

    async def store(self, run: Run | Arrival) -> Outcome:
        """Returns after the commit. Raises: TooManyRequests, Unavailable, and what else happened to the run."""
        answer: asyncio.Future[Outcome | None] = self._loop.create_future()
        self.take(run, _everywhere, answer, telemetry.request_id.get())
        outcome = await answer
        assert outcome is not None
        return outcome

    def take(
        self, run: Run | Arrival | bytes, reaches: Callable[[str], bool], answer: Answer, asked: str | None
    ) -> None:
        """Have a run stored, or a body that is read on the way, together with others; `answer` hears after the commit.

        `asked`: the id of the request. Raises: TooManyRequests, Unavailable.
        """
        if not self._open:
            raise Unavailable("the service is stopping", retry_after_seconds=1)
        if len(self._waiting) >= MAX_WAITING:
            raise TooManyRequests("too many runs are waiting to be stored", retry_after_seconds=1)
        now = self._loop.time()
        n_bytes = len(run) if isinstance(run, bytes) else 0
        self._waiting.append(_Waiting(run, reaches, answer, asked, now, n_bytes))
        if len(self._waiting) >= self._enough:
            self._turn.set()
        if self._alarm is None:  # one for all of them, in place of one for each
            self._alarm = self._loop.call_at(now + self._patience_seconds, self._give_up)

    def _give_up(self) -> None:
        """Those who have waited for too long are told so; the first of the others is looked at in time."""
        self._alarm = None
        for waiting in chain(self._taken(), self._waiting):
            until = waiting.since + self._patience_seconds
            if until > self._loop.time():
                self._alarm = self._loop.call_at(until, self._give_up)
                return
            _fail([waiting], Unavailable(_LATE, retry_after_seconds=1))

    async def _flush_until_closed(self) -> None:
        while self._open or self._waiting:
            if not self._waiting:
                await self._somebody()
            try:
                async with self._database.line() as line:
                    await self._flush_while_busy(line)
            except Exception as error:
                if not isinstance(error, Unavailable):  # then there is no line, nor for those who came meanwhile
                    log.exception("single runs could not be taken")
                _fail([*self._taken(), *self._waiting], error)
                self._stored, self._next = [], []
                self._waiting.clear()

    def _taken(self) -> Iterable[_Waiting]:
        return [waiting for _, waiting in chain(self._stored, self._next)]

    async def _somebody(self) -> None:
        """Returns when somebody has come, or it is time to end."""
        self._turn.clear()
        if self._open:
            await self._turn.wait()

    async def _flush_while_busy(self, line: Driver) -> None:
        """Group after group over one connection, which is given back when nobody has come for a moment.

        While one is stored the next one is read, and it is on its way before those of the first are answered: neither
        this process nor PostgreSQL waits for the other.
        """
        while self._waiting and not line.broken:
            self._take_next()
            before: _Group = []
            outcomes: _Outcomes = ()
            while self._next and not line.broken:
                size = max(TOGETHER, (len(before) + len(self._next) + 1) // 2)
                self._stored, self._next = self._next[:size], self._next[size:]
                storing = asyncio.create_task(self._store(self._stored, line))
                await asyncio.sleep(0)  # it begins
                _answer(before, outcomes)
                await self._read_until(storing)
                before, outcomes = self._stored, storing.result()
            self._stored = []
            _answer(before, outcomes)
            self._waiting.extendleft([waiting._replace(run=run) for run, waiting in reversed(self._next)])
            self._next = []
            if not self._waiting and self._open:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LINGER_SECONDS):
                        await self._somebody()

    async def _read_until(self, storing: asyncio.Task[_Outcomes]) -> None:
        """Whoever comes until a group is stored: some at a time, since for each time there is a price."""
        storing.add_done_callback(lambda _: self._turn.set())
        self._enough = TOGETHER
        while not storing.done():
            self._turn.clear()
            await self._turn.wait()
            self._take_next()
        self._enough = 1

    def _take_next(self) -> None:
        """Of those who wait, as many as fit the next group; those who sent something else than a run are told so."""
        taken, n_bytes = list[_Waiting](), sum(waiting.n_bytes for _, waiting in self._next)
        while self._waiting and len(self._next) + len(taken) < MAX_GROUP and n_bytes < MAX_GROUP_BYTES:
            waiting = self._waiting.popleft()
            if not waiting.answer.done():
                taken.append(waiting)
                n_bytes += waiting.n_bytes
        try:
            read = iter(self._read([waiting.run for waiting in taken if isinstance(waiting.run, bytes)]))
        except Exception as error:  # noqa: BLE001  # whatever it is, it is the waiting requests' to raise
            _fail(taken, error)
            return
        for waiting in taken:
            run = next(read) if isinstance(waiting.run, bytes) else waiting.run
            if run is None or not waiting.reaches(run.project):
                waiting.answer.set_result(None)
            else:
                self._next.append((run, waiting))

    async def _store(self, group: _Group, line: Driver) -> _Outcomes:
        _log_in_the_name_of([waiting.asked for _, waiting in group if waiting.asked])
        runs = [run for run, _ in group]
        try:
            swift = await store_swiftly(self._database, runs, self.bells, line)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is the waiting requests' to raise
            return [error] * len(group)
        others = iter(await self._store_others([run for run, known in zip(runs, swift, strict=True) if known is None]))
        return [outcome or next(others) for outcome in swift]

    async def _store_others(self, runs: Sequence[Run | Arrival]) -> _Outcomes:
        """Those that need a second look."""
        try:
            return await store(self._database, runs, self.bells) if runs else ()
        except Exception as error:  # noqa: BLE001  # as above
            return [error] * len(runs)


def _answer(group: _Group, outcomes: _Outcomes) -> None:
    for (_, waiting), outcome in zip(group, outcomes, strict=True):
        if isinstance(outcome, Exception):
            _fail([waiting], outcome)
        elif not waiting.answer.done():  # whose client has not left
            waiting.answer.set_result(outcome)


_LATE: Final = "this run has not been stored in time, though it may still be; a retry is safe"


def _everywhere(_project: str) -> bool:
    return True


def _fail(those: Iterable[_Waiting], error: Exception) -> None:
    for waiting in those:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)


def _log_in_the_name_of(requests: Sequence[str]) -> None:
    """What a group's transaction logs belongs to several requests, of which the first are named."""
    more = f" and {len(requests) - NAMED} more" if len(requests) > NAMED else ""
    telemetry.request_id.set(", ".join(requests[:NAMED]) + more or None)
