"""The story of a history: new runs are folded into segments, segments into larger ones, and all of it is read back.

What is read is the segments and the tail, as of one moment. A segment never changes, so a worker keeps those that it
has read once on its disk: reading again costs what is new.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from app.errors import CorruptSegment
from app.featurise import segment
from app.featurise.segment import Runs
from app.store import datasets, runs, segments
from app.store.database import AsyncConnection, Database
from app.store.segments import Segment
from app.types import PastRun

log = logging.getLogger(__name__)

FEWEST: Final = 500
"""A shorter tail is left as it is: it is read as fast as a segment is fetched."""
LARGEST: Final = 100_000
"""Runs of a segment that is not merged any more."""
AT_ONCE: Final = 200_000
"""About as many runs are folded in one transaction (what a kill can undo, and holds VACUUM up)."""
STEP: Final = 2_000
"""Runs that exist as Python objects at a time."""
DEAD_SHARE: Final = 0.02
"""Deleted runs, of all that are folded, from which they are worth rewriting the segments that they are in."""


@dataclass(frozen=True, slots=True)
class History:
    """What a project's runs have to teach, as of one moment."""

    runs: Runs
    meta_features: Mapping[str, Mapping[str, float]]
    snapshot: str  # the moment, as PostgreSQL tells it


# ---------------------------------------------------------------- folding


async def fold(database: Database, project_id: int) -> int:
    """Bring the tail into segments and these into shape; how many runs were folded. All or nothing, step by step."""
    async with database.transaction() as connection:
        anew = await segments.lock(connection, project_id) == 0
    n_folded = 0
    while n := await _fold_some(database, project_id):
        n_folded += n
    if n_folded:
        log.info("folded %d runs of project %d", n_folded, project_id)
    while await _merge_some(database, project_id):
        pass
    await _bury(database, project_id, superseded=anew and n_folded > 0)
    return n_folded


async def _fold_some(database: Database, project_id: int) -> int:
    async with database.transaction() as connection:
        since = await segments.lock(connection, project_id)
        until = await segments.next_horizon(connection, project_id, since, AT_ONCE)
        n_runs, waiting = 0, [part async for part in _tables(runs.history(connection, project_id, since, until))]
        if sum(map(len, waiting)) < FEWEST:
            return 0
        for start in range(0, len(waiting), LARGEST // STEP):
            whole = await asyncio.to_thread(segment.joined, waiting[start : start + LARGEST // STEP])
            await segments.add(connection, project_id, await asyncio.to_thread(segment.to_bytes, whole), len(whole))
            n_runs += len(whole)
        await segments.advance(connection, project_id, until)
        return n_runs


async def _tables(past: AsyncIterator[PastRun]) -> AsyncIterator[Runs]:
    chunk: list[PastRun] = []
    async for run in past:
        chunk.append(run)
        if len(chunk) == STEP:
            yield segment.of_runs(chunk)
            chunk.clear()
    if chunk:
        yield segment.of_runs(chunk)


async def _merge_some(database: Database, project_id: int) -> bool:
    """Merge the last few segments if they are to be; whether they were."""
    async with database.transaction() as connection:
        await segments.lock(connection, project_id)
        found = to_merge(await segments.listed(connection, project_id))
        if len(found) > 1:
            deleted = await segments.deleted(connection, project_id)
            await _rewrite(connection, project_id, found, [id_.bytes for id_ in deleted])
        return len(found) > 1


def to_merge(found: Sequence[Segment]) -> Sequence[Segment]:
    """The last segments that are to become one: any that is not twice as large as all after it, up to `LARGEST`.

    So there are few small ones, and a run is rewritten a logarithmic number of times.
    """
    start, total = len(found), 0
    for i in reversed(range(len(found))):
        n = found[i].n_runs
        if total + n > LARGEST or (total and n >= 2 * total):
            break
        start, total = i, total + n
    return found[start:]


async def _bury(database: Database, project_id: int, *, superseded: bool) -> None:
    """Drop deleted runs from the segments once there are enough of them, and their tombstones.

    `superseded`: drop versions of runs that a later segment has, too; all was folded anew.
    """
    async with database.transaction() as connection:
        await segments.lock(connection, project_id)
        deleted = await segments.deleted(connection, project_id)
        found = await segments.listed(connection, project_id)
        if len(deleted) <= DEAD_SHARE * sum(each.n_runs for each in found) and not superseded:
            return
        gone = [id_.bytes for id_ in deleted]
        for each in reversed(found):
            gone += await _rewrite(connection, project_id, [each], gone)
        await segments.forget(connection, project_id, deleted)


async def _rewrite(
    connection: AsyncConnection, project_id: int, replaced: Sequence[Segment], gone: Sequence[bytes]
) -> list[bytes]:
    """One segment in the place of several neighbours, with the last version of each run that is not gone; their ids."""
    parts = [segment.from_bytes(await segments.content(connection, each)) for each in replaced]
    whole = await asyncio.to_thread(lambda: segment.latest(segment.joined(parts), gone))
    if len(replaced) > 1 or len(whole) < len(parts[0]):
        await segments.drop(connection, [each.id for each in replaced])
        if len(whole):
            packed = await asyncio.to_thread(segment.to_bytes, whole)
            await segments.add(connection, project_id, packed, len(whole), position=replaced[-1].position)
    return segment.ids(whole)


# ---------------------------------------------------------------- reading


async def read(database: Database, project_id: int, cache: Path | None = None) -> History:
    """The history as of now. A damaged segment is folded anew from the rows that are there. Raises: Unavailable."""
    try:
        return await _read(database, project_id, cache)
    except CorruptSegment as error:
        log.error("project %d is folded anew: %s", project_id, error.detail)  # noqa: TRY400  # no news in the traceback
        await _start_anew(database, project_id)
        return await _read(database, project_id, cache)


async def _read(database: Database, project_id: int, cache: Path | None) -> History:
    async with database.snapshot() as connection:
        found = await segments.listed(connection, project_id)
        since = await segments.horizon(connection, project_id)
        parts = [await _segment(connection, each, cache) for each in found]
        parts += [part async for part in _tables(runs.history(connection, project_id, since))]
        deleted = [id_.bytes for id_ in await segments.deleted(connection, project_id)]
        meta_features = await datasets.meta_features(connection, project_id)
        moment = await segments.snapshot(connection)
    if cache is not None:
        await asyncio.to_thread(_forget_others, cache, found)
    whole = await asyncio.to_thread(lambda: segment.latest(segment.joined(parts), deleted))
    return History(whole, meta_features, moment)


async def read_new(database: Database, project_id: int, seen: str) -> History:
    """What a snapshot did not see: the runs themselves, however many others are stored."""
    async with database.snapshot() as connection:
        parts = [part async for part in _tables(runs.history(connection, project_id, unseen_in=seen))]
        meta_features = await datasets.meta_features(connection, project_id)
        moment = await segments.snapshot(connection)
    return History(segment.latest(segment.joined(parts)), meta_features, moment)


async def _start_anew(database: Database, project_id: int) -> None:
    """Drop the damaged segments, and have every row that is there folded again: twice is no harm."""
    async with database.transaction() as connection:
        await segments.refold(connection, project_id)
        for each in await segments.listed(connection, project_id):
            try:
                segment.from_bytes(await segments.content(connection, each))
            except CorruptSegment:
                await segments.drop(connection, [each.id])


# ---------------------------------------------------------------- what this machine has read before


async def _segment(connection: AsyncConnection, which: Segment, cache: Path | None) -> Runs:
    """Mapped from the cache, where it is put if need be. Raises: CorruptSegment."""
    if cache is None:
        return segment.from_bytes(await segments.content(connection, which))
    with suppress(OSError, CorruptSegment):
        return _mapped(_file(cache, which))
    fetched = segment.from_bytes(await segments.content(connection, which))
    with suppress(OSError, CorruptSegment):
        await asyncio.to_thread(_keep, _file(cache, which), segment.to_bytes(fetched, packed=False))
        return _mapped(_file(cache, which))  # what is mapped can be let go, what was unpacked cannot
    return fetched


def _mapped(file: Path) -> Runs:
    return segment.from_bytes(pa.memory_map(str(file)).read_buffer())


def _file(cache: Path, which: Segment) -> Path:
    return cache / f"{which.checksum.hex()}.arrow"


def _keep(file: Path, content: bytes) -> None:
    """There whole or not at all, and nobody else's to read."""
    file.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as unfinished:
        unfinished.write(content)
    Path(unfinished.name).replace(file)


def _forget_others(cache: Path, found: Sequence[Segment]) -> None:
    """Segments that were merged or deleted are read no more."""
    current = {_file(cache, each) for each in found}
    with suppress(OSError):
        for file in [*cache.glob("*.arrow")]:
            if file not in current:
                file.unlink()
