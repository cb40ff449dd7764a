"""Where a project's segments are kept, and which runs are in them: immutable columns of runs, made by workers.

A run's row names the transaction that wrote it last (`runs.written`). A project is folded up to a *horizon*, a
transaction's number: what was written before it is in a segment, everything else is the *tail*. A horizon is never
beyond the oldest transaction that is still open, so no commit, however late, can put a run behind it, and folding
changes no run's row. A run that is written again is in the tail again, and counts in its last version; one that is
deleted leaves a tombstone, until a compaction has dropped it from the segments (`forerun.keep_segments`, on in a
transaction that only makes room, prevents that: the segments then go on teaching what the rows no longer say).

Transactions are numbered by the cluster. A database that was restored into another one is folded anew: versions of a
run that occur twice are no harm.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.errors import CorruptSegment, NotFound
from app.store.tables import run_segments, run_tombstones


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment without its content."""

    id: int
    n_runs: int
    n_bytes: int
    checksum: bytes
    position: int


_ENSURE: Final = text("""
    INSERT INTO run_folds (project_id, cluster)
    SELECT id, system_identifier FROM projects, pg_control_system() WHERE id = :project_id ON CONFLICT DO NOTHING
""")
_LOCK: Final = text("""
    SELECT horizon::text::bigint AS horizon, cluster = system_identifier AS ours
    FROM run_folds, pg_control_system() WHERE project_id = :project_id FOR UPDATE OF run_folds
""")
_REBASE: Final = text("""
    UPDATE run_folds SET horizon = '0', cluster = system_identifier
    FROM pg_control_system() WHERE project_id = :project_id
""")
_RESTAMP: Final = text("""
    UPDATE runs SET written = pg_current_xact_id()
    WHERE project_id = :project_id AND written > pg_current_xact_id() AND state <> 'running'
""")
_BOUND: Final = text("""
    WITH tail AS (
        SELECT written FROM runs WHERE project_id = :project_id AND state <> 'running'
        AND written >= CAST(:since AS xid8) AND written < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY written
    )
    SELECT (SELECT written FROM tail LIMIT 1)::text::bigint AS first,
           (SELECT written FROM tail OFFSET :limit LIMIT 1)::text::bigint AS beyond,
           pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest
""")
_ADVANCE: Final = text("UPDATE run_folds SET horizon = CAST(:horizon AS xid8) WHERE project_id = :project_id")
_HORIZON: Final = text("""
    SELECT horizon::text::bigint FROM run_folds, pg_control_system()
    WHERE project_id = :project_id AND cluster = system_identifier
""")
_REACHES: Final = text("""
    SELECT EXISTS (
        SELECT FROM runs WHERE project_id = :project_id AND state <> 'running' AND written >= CAST(:since AS xid8)
        OFFSET :beyond
    )
""")
_N_RUNS: Final = text("""
    SELECT (SELECT coalesce(sum(n_runs), 0) FROM run_segments WHERE project_id = :project_id)
         + (SELECT count(*) FROM runs WHERE project_id = :project_id AND state <> 'running' AND written >= coalesce(
               (SELECT horizon FROM run_folds WHERE project_id = :project_id), '0'::xid8))
         - (SELECT count(*) FROM run_tombstones WHERE project_id = :project_id AND folded)
""")


# ---------------------------------------------------------------- how far


async def lock(connection: AsyncConnection, project_id: int) -> int:
    """Let nobody else change the project's segments until the transaction ends; the horizon. Raises: NotFound."""
    await connection.execute(_ENSURE, {"project_id": project_id})
    row = (await connection.execute(_LOCK, {"project_id": project_id})).one_or_none()
    if row is None:
        raise NotFound("There is no such project any more")
    if row.ours:
        return int(row.horizon)
    await connection.execute(_REBASE, {"project_id": project_id})  # the numbers are those of another cluster
    await connection.execute(_RESTAMP, {"project_id": project_id})
    return 0  # as where nothing is folded: segments that are there all the same are made of what is folded anew


async def refold(connection: AsyncConnection, project_id: int) -> None:
    """Have everything that has a row folded again: a segment turned out to be damaged."""
    await lock(connection, project_id)
    await advance(connection, project_id, 0)


async def horizon(connection: AsyncConnection, project_id: int) -> int:
    """0 where nothing is folded."""
    return int(await connection.scalar(_HORIZON, {"project_id": project_id}) or 0)


async def snapshot(connection: AsyncConnection) -> str:
    """Which transactions' writes are seen in this one, a snapshot."""
    return str(await connection.scalar(text("SELECT pg_current_snapshot()::text")))


async def next_horizon(connection: AsyncConnection, project_id: int, since: int, limit: int) -> int:
    """How far the tail can be folded: whole transactions, of about `limit` runs; `since` where there is nothing."""
    bounds = {"project_id": project_id, "since": str(since), "limit": limit}
    row = (await connection.execute(_BOUND, bounds)).one()
    if row.first is None:
        return since
    return int(row.oldest) if row.beyond is None else max(int(row.beyond), int(row.first) + 1)


async def advance(connection: AsyncConnection, project_id: int, horizon: int) -> None:
    """Under the lock, in the transaction that adds the segments."""
    await connection.execute(_ADVANCE, {"project_id": project_id, "horizon": str(horizon)})


async def tail_reaches(connection: AsyncConnection, project_id: int, n: int) -> bool:
    """Whether at least so many runs are in no segment."""
    since = await horizon(connection, project_id)
    return bool(await connection.scalar(_REACHES, {"project_id": project_id, "since": str(since), "beyond": n - 1}))


async def n_runs(connection: AsyncConnection, project_id: int) -> int:
    """How many runs a refit would learn from; what is folded is not counted one by one."""
    return int(await connection.scalar(_N_RUNS, {"project_id": project_id}) or 0)


# ---------------------------------------------------------------- segments


async def add(
    connection: AsyncConnection, project_id: int, content: bytes, n_runs: int, position: int | None = None
) -> None:
    """Store a segment, as the last one unless it takes a position."""
    values = {
        "project_id": project_id,
        "n_runs": n_runs,
        "n_bytes": len(content),
        "checksum": sha256(content).digest(),
        "content": content,
        "position": position,
    }
    await connection.execute(insert(run_segments).values(values))


async def listed(connection: AsyncConnection, project_id: int) -> list[Segment]:
    """All of them, in order: of two versions of a run the one in the later segment counts."""
    position = func.coalesce(run_segments.c.position, run_segments.c.id).label("position")
    columns = [run_segments.c[name] for name in ("id", "n_runs", "n_bytes", "checksum")]
    query = select(*columns, position).where(run_segments.c.project_id == project_id).order_by(position)
    return [Segment(**row) for row in (await connection.execute(query)).mappings()]


async def content(connection: AsyncConnection, segment: Segment) -> bytes:
    """Raises: CorruptSegment when the bytes are not those that were stored."""
    query = select(run_segments.c.content).where(run_segments.c.id == segment.id)
    stored = bytes(await connection.scalar(query) or b"")
    if sha256(stored).digest() != segment.checksum:
        raise CorruptSegment(f"the bytes of segment {segment.id} do not match their checksum")
    return stored


async def drop(connection: AsyncConnection, ids: Collection[int]) -> None:
    """Under the lock, once others hold what they held."""
    await connection.execute(delete(run_segments).where(run_segments.c.id.in_(ids)))


# ---------------------------------------------------------------- tombstones


async def deleted(connection: AsyncConnection, project_id: int) -> Sequence[UUID]:
    """The runs that were deleted, and may still be in segments."""
    query = select(run_tombstones.c.id).where(run_tombstones.c.project_id == project_id)
    return list((await connection.execute(query)).scalars())


async def forget(connection: AsyncConnection, project_id: int, ids: Collection[UUID]) -> None:
    """Under the lock: these are in no segment any more."""
    mine = run_tombstones.c.project_id == project_id
    await connection.execute(delete(run_tombstones).where(mine, run_tombstones.c.id.in_(ids)))
