"""Ingest: runs come one by one (`intake.py`), in batches or as a stream; each is stored once, and the worker hears.

A run that is answered as created or duplicate is durable: every answer waits for the commit.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import AsyncIterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self, TypeAlias

from app import telemetry, tracing
from app.errors import ForerunError, Unavailable
from app.flows.bells import Bells
from app.flows.halves import in_halves
from app.store.arrivals import Arrival
from app.store.database import Database, told_as_unavailable
from app.store.swift_insert import Driver
from app.store.upsert import Outcome, upsert, upsert_swiftly
from app.types import Run

log = logging.getLogger("forerun.ingest")

Incoming: TypeAlias = Run | Arrival | ForerunError
"""A run, or why what was sent in its place is none."""

FEW: Final = 200
"""Runs of a batch up to which one statement for all of it is faster than COPY and what goes before."""
CHUNK: Final = 1_000
"""Runs of a stream that share one transaction, or few more."""
AT_ONCE: Final = 3
"""Chunks of a stream that are stored at once; with the next one they are all of it that is in memory."""
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
    async def store_some(some: Sequence[Run | Arrival]) -> list[Outcome]:
        with telemetry.INGEST_COMMIT_SECONDS.time(), tracing.span("ingest commit", runs=len(some)):
            async with database.transaction() as connection:
                outcomes = await upsert(connection, some, database.homes)
        telemetry.INGEST_COMMIT_RUNS.observe(len(some))
        return outcomes

    outcomes = await in_halves(incoming, store_some, _refused)
    return [
        outcome if outcome.index == index else outcome._replace(index=index) for index, outcome in enumerate(outcomes)
    ]


def _refused(run: Run | Arrival) -> Outcome:
    return Outcome(0, "rejected", run.run_id, error=ForerunError("this run could not be stored"))


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
    """Store numbered runs of a stream of any length, chunk by chunk; `results` has those that were not taken."""
    tally = Tally()
    chunk: list[tuple[int, Incoming]] = []
    n_bytes = 0
    try:
        async with _UnderWay(database, bells, tally) as under_way:
            async for some in incoming:
                chunk += some
                n_bytes += sum([sum(map(len, item.documents)) for _, item in some if isinstance(item, Arrival)])
                if len(chunk) >= CHUNK or n_bytes > CHUNK_BYTES:
                    await under_way.add(chunk)
                    chunk, n_bytes = [], 0
            await under_way.add(chunk)
    except ForerunError as error:
        detail = f"{error.detail}; {tally.created} runs of this stream have been stored, and are known by their run_id"
        raise type(error)(detail, retry_after_seconds=error.retry_after_seconds) from error
    return tally


class _UnderWay:
    """Chunks of a stream that are stored while the next one is read: a few at once, unless they share a run.

    One at a time would not do: what it waits for, PostgreSQL and this process do in turns.
    """

    def __init__(self, database: Database, bells: Bells, tally: Tally) -> None:
        self._database, self._bells, self._tally = database, bells, tally
        self._chunks: deque[tuple[list[int], set[tuple[str, str | None]], asyncio.Task[list[Outcome]]]] = deque()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """All of them have been stored, also of a stream that breaks off. Raises: why the first of them was not."""
        failure = None
        while self._chunks:
            try:
                await self._end_first()
            except ForerunError as why:
                failure = failure or why
        if failure is not None and error is None:
            raise failure

    async def add(self, chunk: Sequence[tuple[int, Incoming]]) -> None:
        """Begin to store a chunk, as soon as it may be. Raises: why one before it was not stored."""
        items = [item for _, item in chunk]
        keys = {(item.project, item.run_id) for item in items if not isinstance(item, ForerunError)}
        while len(self._chunks) == AT_ONCE or any(not keys.isdisjoint(others) for _, others, _ in self._chunks):
            await self._end_first()
        self._chunks.append(([number for number, _ in chunk], keys, asyncio.create_task(self._store(items))))

    async def _store(self, items: Sequence[Incoming]) -> list[Outcome]:
        async with self._database.bulk:
            return await _store_good(self._database, items, self._bells)

    async def _end_first(self) -> None:
        numbers, _, storing = self._chunks.popleft()
        for number, outcome in zip(numbers, await storing, strict=True):
            _note(self._tally, outcome, number)


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
