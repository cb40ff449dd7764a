"""Ingest: runs come one by one, in batches or as a stream; each is stored once, and the worker hears of new ones.

A run that is answered as created or duplicate is durable: every answer waits for the commit.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, NamedTuple, Self, TypeAlias
from uuid import UUID

from app import telemetry, tracing
from app.errors import ForerunError, TooManyRequests, Unavailable
from app.flows.bells import Bells
from app.store import jobs, runs
from app.store.arrivals import Arrival
from app.store.database import Database, told_as_unavailable
from app.store.reach import Reach
from app.store.swift_insert import Driver
from app.store.upsert import Outcome, upsert, upsert_swiftly
from app.types import Run, RunPatch, StoredRun

log = logging.getLogger("forerun.ingest")

Incoming: TypeAlias = Run | Arrival | ForerunError
"""A run, or why what was sent in its place is none."""

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
FEW: Final = 200
"""Runs of a batch up to which one statement for all of it is faster than COPY and what goes before."""
CHUNK: Final = 1_000
"""Runs of a stream that share one transaction, or few more; two such chunks are all of it that is in memory."""
CHUNK_BYTES: Final = 8 * 2**20
"""What their documents may have together: less of them share one where they are large."""
MAX_RESULTS: Final = 1_000
"""Lines of a stream that are told one by one."""


async def store(database: Database, incoming: Sequence[Run | Arrival], bells: Bells) -> list[Outcome]:
    """Store runs in one transaction, and tell the worker of them; one outcome for each, in order.

    Raises: Unavailable.
    """
    outcomes = await _store(database, incoming)
    _tell(incoming, outcomes, bells)
    return outcomes


async def store_swiftly(
    database: Database, incoming: Sequence[Run | Arrival], bells: Bells, line: Driver
) -> list[Outcome | None]:
    """The same for a few runs, over a line; None for those that need a second look, and are not stored yet."""
    try:
        with telemetry.INGEST_COMMIT_SECONDS.time(), told_as_unavailable():
            outcomes = await upsert_swiftly(line, incoming, database.homes)
    except Unavailable:
        raise
    except Exception:
        log.exception("%d runs could not be stored swiftly", len(incoming))
        return [None] * len(incoming)
    if stored := [outcome for outcome in outcomes if outcome is not None]:
        telemetry.INGEST_COMMIT_RUNS.observe(len(stored))
        _tell(incoming, stored, bells)
    return outcomes


def _tell(incoming: Sequence[Run | Arrival], outcomes: Sequence[Outcome], bells: Bells) -> None:
    for status, n in Counter([outcome.status for outcome in outcomes]).items():
        telemetry.RUNS_INGESTED.labels(status).inc(n)
    ended = {outcome.project_id for outcome in outcomes if incoming[outcome.index].state != "running"}
    bells.ring_for(project_id for project_id in ended if project_id is not None)


async def _store(database: Database, incoming: Sequence[Run | Arrival]) -> list[Outcome]:
    """Should PostgreSQL refuse the lot for the sake of one, its halves are tried alone: one never harms another."""
    try:
        with telemetry.INGEST_COMMIT_SECONDS.time(), tracing.span("ingest commit", runs=len(incoming)):
            async with database.transaction() as connection:
                outcomes = await upsert(connection, incoming, database.homes)
    except Unavailable:
        raise
    except Exception:
        log.exception("%d runs could not be stored together", len(incoming))
    else:
        telemetry.INGEST_COMMIT_RUNS.observe(len(incoming))
        return outcomes
    if len(incoming) == 1:
        return [Outcome(0, "rejected", incoming[0].run_id, error=ForerunError("this run could not be stored"))]
    middle = len(incoming) // 2
    first, second = await _store(database, incoming[:middle]), await _store(database, incoming[middle:])
    return first + [outcome._replace(index=outcome.index + middle) for outcome in second]


async def amend(
    database: Database, run: UUID, patch: RunPatch, refit_delay_seconds: float, reach: Reach = None
) -> StoredRun:
    """Extend or finish a running run. Raises: NotFound, RunFinished, pydantic.ValidationError."""
    async with database.transaction() as connection:
        amended = await runs.amend(connection, run, patch, reach)
        if amended.ended:
            await jobs.ring_for_runs(connection, [amended.project_id], refit_delay_seconds)
        return amended.run


# ---------------------------------------------------------------- many


@dataclass(slots=True)
class Tally:
    """What became of many runs."""

    created: int = 0
    duplicates: int = 0
    rejected: int = 0
    results: list[Outcome] = field(default_factory=list)
    results_omitted: int = 0

    def count(self, outcome: Outcome) -> None:
        self.created += outcome.status == "created"
        self.duplicates += outcome.status == "duplicate"
        self.rejected += outcome.error is not None


async def store_batch(database: Database, incoming: Sequence[Incoming], bells: Bells) -> Tally:
    """Store what is good of a batch; `results` has every run, in order."""
    tally = Tally()
    tally.results += await _store_good(database, incoming, bells, few=len(incoming) <= FEW)
    for outcome in tally.results:
        tally.count(outcome)
    return tally


async def store_stream(
    database: Database, incoming: AsyncIterable[Sequence[tuple[int, Incoming]]], bells: Bells
) -> Tally:
    """Store numbered runs of a stream of any length, chunk by chunk; `results` has those that were not taken.

    One chunk is stored while the next one is read.
    """
    tally = Tally()
    chunk: list[tuple[int, Incoming]] = []
    n_bytes = 0
    under_way: asyncio.Task[None] | None = None

    async def flush(chunk: Sequence[tuple[int, Incoming]]) -> None:
        outcomes = await _store_good(database, [item for _, item in chunk], bells)
        for (number, _), outcome in zip(chunk, outcomes, strict=True):
            _note(tally, outcome, number)

    async def ended() -> None:
        if under_way is not None:
            await under_way

    try:
        try:
            async for some in incoming:
                chunk += some
                n_bytes += sum([sum(map(len, item.documents)) for _, item in some if isinstance(item, Arrival)])
                if len(chunk) >= CHUNK or n_bytes > CHUNK_BYTES:
                    await ended()
                    under_way, chunk, n_bytes = asyncio.create_task(flush(chunk)), [], 0
        finally:
            await ended()  # also of a stream that breaks off: what it tells has been stored
        await flush(chunk)
    except ForerunError as error:
        detail = f"{error.detail}; {tally.created} runs of this stream have been stored, and are known by their run_id"
        raise type(error)(detail, retry_after_seconds=error.retry_after_seconds) from error
    return tally


def _note(tally: Tally, outcome: Outcome, number: int) -> None:
    tally.count(outcome)
    if outcome.error is None:
        return
    if len(tally.results) < MAX_RESULTS:
        tally.results.append(outcome._replace(index=number))
    else:
        tally.results_omitted += 1


async def _store_good(
    database: Database, incoming: Sequence[Incoming], bells: Bells, *, few: bool = False
) -> list[Outcome]:
    """Outcomes in order, of those that are runs and those that are not."""
    good = [item for item in incoming if not isinstance(item, ForerunError)]
    outcomes = await (_store_few if few else store)(database, good, bells) if good else []
    if len(good) == len(incoming):
        return outcomes
    stored = iter(outcomes)
    if n_bad := len(incoming) - len(good):
        telemetry.RUNS_INGESTED.labels("rejected").inc(n_bad)
    return [
        Outcome(index, "rejected", None, error=item)
        if isinstance(item, ForerunError)
        else next(stored)._replace(index=index)
        for index, item in enumerate(incoming)
    ]


async def _store_few(database: Database, incoming: Sequence[Run | Arrival], bells: Bells) -> list[Outcome]:
    """In one statement as far as that goes."""
    async with database.line() as line:
        swift = await store_swiftly(database, incoming, bells, line)
    rest = [index for index, outcome in enumerate(swift) if outcome is None]
    stored = iter(await store(database, [incoming[index] for index in rest], bells) if rest else ())
    return [outcome or next(stored)._replace(index=index) for index, outcome in enumerate(swift)]


# ---------------------------------------------------------------- one by one, together


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
        telemetry.INGEST_WAITING.inc()
        patience = loop.call_later(self._patience_seconds, _give_up, answer)  # a third of what asyncio.timeout takes
        try:
            return await answer
        finally:
            patience.cancel()
            telemetry.INGEST_WAITING.dec()

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
