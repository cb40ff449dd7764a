"""Ingest: runs come one by one, in batches or as a stream; each is stored once, and the worker hears of new ones.

A run that is answered as created or duplicate is durable: every answer waits for the commit.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self, TypeAlias
from uuid import UUID

from app import telemetry, tracing
from app.errors import ForerunError, TooManyRequests, Unavailable
from app.flows.bells import Bells
from app.store import jobs, runs
from app.store.arrivals import Arrival
from app.store.database import Database, told_as_unavailable
from app.store.reach import Reach
from app.store.upsert import Driver, Outcome, upsert, upsert_known
from app.types import Run, RunPatch, StoredRun

log = logging.getLogger("forerun.ingest")

Incoming: TypeAlias = Run | Arrival | ForerunError
"""A run, or why what was sent in its place is none."""

MAX_GROUP: Final = 500
"""Single runs that share one transaction."""
MAX_WAITING: Final = 2_000
"""Single runs that may wait for theirs (under a second's worth); more are refused rather than made late."""
NAMED: Final = 3
"""Requests whose ids stand in the log lines of a transaction that they share."""
CHUNK: Final = 1_000
"""Runs of a stream that share one transaction; two such chunks are all of it that is in memory."""
CHUNK_BYTES: Final = 8 * 2**20
"""What their documents may have together: less of them share one where they are large."""
MAX_RESULTS: Final = 1_000
"""Lines of a stream that are told one by one."""


async def store(
    database: Database, incoming: Sequence[Run | Arrival], bells: Bells, line: Driver | None = None
) -> list[Outcome]:
    """Store runs in one transaction, and tell the worker of them; one outcome for each, in order.

    Over a `line`, if there is one, as long as nothing has to be written but runs.

    Should PostgreSQL refuse the lot for the sake of one, its halves are tried alone, and so on: one bad run never harms
    another. Raises: Unavailable.
    """
    try:
        with telemetry.INGEST_COMMIT_SECONDS.time(), tracing.span("ingest commit", runs=len(incoming)):
            outcomes = await _store_together(database, incoming, line)
    except Unavailable:
        raise
    except Exception:
        log.exception("%d runs could not be stored together", len(incoming))
        if len(incoming) == 1:
            return [Outcome(0, "rejected", incoming[0].run_id, error=ForerunError("this run could not be stored"))]
        middle = len(incoming) // 2
        first = await store(database, incoming[:middle], bells)
        second = await store(database, incoming[middle:], bells)
        return first + [outcome._replace(index=outcome.index + middle) for outcome in second]
    for status, n in Counter(outcome.status for outcome in outcomes).items():
        telemetry.RUNS_INGESTED.labels(status).inc(n)
    telemetry.INGEST_COMMIT_RUNS.observe(len(incoming))
    ended = {outcome.project_id for outcome in outcomes if incoming[outcome.index].state != "running"}
    bells.ring_for(project_id for project_id in ended if project_id is not None)
    return outcomes


async def _store_together(database: Database, incoming: Sequence[Run | Arrival], line: Driver | None) -> list[Outcome]:
    if line is not None:
        with told_as_unavailable():
            outcomes = await upsert_known(line, incoming)
        if outcomes is not None:
            return outcomes
    async with database.transaction() as connection:
        return await upsert(connection, incoming)


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
    """Store what is good of a batch, in one transaction; `results` has every run, in order."""
    tally = Tally()
    for outcome in await _store_good(database, incoming, bells):
        tally.count(outcome)
        tally.results.append(outcome)
    return tally


async def store_stream(database: Database, incoming: AsyncIterable[tuple[int, Incoming]], bells: Bells) -> Tally:
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
            _note(tally, outcome._replace(index=number))

    async def ended() -> None:
        if under_way is not None:
            await under_way

    try:
        try:
            async for item in incoming:
                chunk.append(item)
                n_bytes += sum(map(len, item[1].documents)) if isinstance(item[1], Arrival) else 0
                if len(chunk) == CHUNK or n_bytes > CHUNK_BYTES:
                    await ended()
                    under_way, chunk, n_bytes = asyncio.create_task(flush(chunk)), [], 0
        finally:
            await ended()  # also of a stream that breaks off: what it tells has been stored
        await flush(chunk)
    except ForerunError as error:
        detail = f"{error.detail}; {tally.created} runs of this stream have been stored, and are known by their run_id"
        raise type(error)(detail, retry_after_seconds=error.retry_after_seconds) from error
    return tally


def _note(tally: Tally, outcome: Outcome) -> None:
    tally.count(outcome)
    if outcome.error is None:
        return
    if len(tally.results) < MAX_RESULTS:
        tally.results.append(outcome)
    else:
        tally.results_omitted += 1


async def _store_good(database: Database, incoming: Sequence[Incoming], bells: Bells) -> list[Outcome]:
    """Outcomes in order, of those that are runs and those that are not."""
    good = [item for item in incoming if not isinstance(item, ForerunError)]
    stored = iter(await store(database, good, bells) if good else ())
    if n_bad := len(incoming) - len(good):
        telemetry.RUNS_INGESTED.labels("rejected").inc(n_bad)
    return [
        Outcome(index, "rejected", None, error=item)
        if isinstance(item, ForerunError)
        else next(stored)._replace(index=index)
        for index, item in enumerate(incoming)
    ]


# ---------------------------------------------------------------- one by one, together


_Waiting: TypeAlias = tuple[Run | Arrival, "asyncio.Future[Outcome]", str | None]
"""A run, who waits for its outcome, and the id of the request."""


class Intake:
    """Single runs from concurrent requests share a transaction: while one commits, the next one fills."""

    def __init__(self, database: Database, refit_delay_seconds: float, patience_seconds: float = 60.0) -> None:
        self._database = database
        self._patience_seconds = patience_seconds
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
        if not self._open:
            raise Unavailable("the service is stopping", retry_after_seconds=1)
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        try:
            self._waiting.put_nowait((run, answer, telemetry.request_id.get()))
        except asyncio.QueueFull:
            raise TooManyRequests("too many runs are waiting to be stored", retry_after_seconds=1) from None
        telemetry.INGEST_WAITING.inc()
        try:
            async with asyncio.timeout(self._patience_seconds):
                return await answer
        except TimeoutError:
            detail = "this run has not been stored in time, though it may still be; a retry is safe"
            raise Unavailable(detail, retry_after_seconds=1) from None
        finally:
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
                _fail([answer for _, answer, _ in group], error)
                for _ in group:
                    self._waiting.task_done()

    async def _flush_while_busy(self, first: _Waiting, line: Driver) -> None:
        """Group after group over one connection, which is given back as soon as nobody waits."""
        group = [first]
        while group:
            while len(group) < MAX_GROUP and not self._waiting.empty():
                group.append(self._waiting.get_nowait())
            awaited = [(run, answer) for run, answer, _ in group if not answer.done()]  # not those that gave up waiting
            _log_in_the_name_of([asked for _, _, asked in group if asked])
            try:
                await self._flush([run for run, _ in awaited], [answer for _, answer in awaited], line)
            finally:
                for _ in group:
                    self._waiting.task_done()
            group = [] if line.broken or self._waiting.empty() else [self._waiting.get_nowait()]

    async def _flush(
        self, group: Sequence[Run | Arrival], answers: Sequence[asyncio.Future[Outcome]], line: Driver
    ) -> None:
        if not group:
            return
        try:
            outcomes = await store(self._database, group, self.bells, line)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is the waiting requests' to raise
            _fail(answers, error)
            return
        for answer, outcome in zip(answers, outcomes, strict=True):
            if not answer.done():  # whose client left
                answer.set_result(outcome)


def _fail(answers: Sequence[asyncio.Future[Outcome]], error: Exception) -> None:
    for answer in answers:
        if not answer.done():
            answer.set_exception(error)


def _log_in_the_name_of(requests: Sequence[str]) -> None:
    """What a group's transaction logs belongs to several requests, of which the first are named."""
    more = f" and {len(requests) - NAMED} more" if len(requests) > NAMED else ""
    telemetry.request_id.set(", ".join(requests[:NAMED]) + more or None)
