"""Rows of runs that need not be kept any longer: old enough, and learned from whatever becomes of them.

A row may go once its run is in a segment, which goes on teaching. Kept whatever their age are runs that followed a
recommendation (they are what it came to), and of each dataset the latest (they sharpen the next question about it).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.store import segments

# Ids are made of the time of creation, so an index on them finds old rows; updated_at is that of the last change.
_EXPIRED: Final = """
    SELECT old.id FROM datasets,
    LATERAL (SELECT id FROM runs WHERE dataset_id = datasets.id ORDER BY id DESC OFFSET :keep_latest LIMIT 1) AS newest,
    LATERAL (
        SELECT id FROM runs WHERE dataset_id = datasets.id AND id <= newest.id
        AND id < (SELECT uuidv7(-make_interval(secs => :seconds)))
        AND updated_at < now() - make_interval(secs => :seconds)
        AND state <> 'running' AND recommendation_id IS NULL AND written < CAST(:horizon AS xid8) LIMIT :most
    ) AS old
    WHERE datasets.project_id = :project_id LIMIT :most
"""
_ANY: Final = text(f"SELECT EXISTS ({_EXPIRED})")
_DELETE: Final = text(f"WITH expired AS ({_EXPIRED}) DELETE FROM runs USING expired WHERE runs.id = expired.id")  # noqa: S608  # put together from constants
_KEEP_SEGMENTS: Final = text("SELECT set_config('forerun.keep_segments', 'on', true)")


async def any_expired(connection: AsyncConnection, project_id: int, seconds: float, keep_latest: int) -> bool:
    """Whether there are rows that may go by now."""
    horizon = await segments.horizon(connection, project_id)
    return bool(await connection.scalar(_ANY, _bounds(project_id, seconds, keep_latest, horizon, 1)))


async def expire(connection: AsyncConnection, project_id: int, seconds: float, keep_latest: int, most: int) -> int:
    """Let rows go that were last changed so long ago, `most` of them at most; how many went. Raises: NotFound."""
    horizon = await segments.lock(connection, project_id)
    await connection.execute(_KEEP_SEGMENTS)
    return (await connection.execute(_DELETE, _bounds(project_id, seconds, keep_latest, horizon, most))).rowcount


def _bounds(project_id: int, seconds: float, keep_latest: int, horizon: int, most: int) -> dict[str, object]:
    kept = {"seconds": float(seconds), "keep_latest": keep_latest}
    return {"project_id": project_id, "horizon": str(horizon), "most": most, **kept}
