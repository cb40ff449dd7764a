"""How projects stand: what somebody who opens the first page wants to see, a page of projects at a time.

Nothing here grows with the history: what is counted is counted up to a bound, along an index.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from app.store.database import AsyncConnection
from app.store.reach import Reach

HOURS: Final = 24
MOST_RUNS: Final = 100_000
"""Where counting stops: of more there is the figure that a worker measured last."""
MOST_RUNS_AN_HOUR: Final = 10_000
"""A quarter of a million entries of an index are read in 50 ms, where a million took half a second."""


@dataclass(frozen=True, slots=True)
class Overview:
    """One project at a glance."""

    project: str
    objectives: list[dict[str, Any]]
    n_runs: int
    n_datasets: int
    since: datetime
    runs_per_hour: list[int]
    last_run_at: datetime | None
    champion_id: UUID | None
    refit: dict[str, Any] | None
    """The newest one: `id`, `state`, `queued_at`, `finished_at`, `error`."""


# The id of the newest run is sought first: of that alone PostgreSQL is sure to ask the index on (project_id, id). For
# the row it would walk the primary key backwards, past all runs of other projects to the newest one of a quiet project.
# UUIDv7 begins with the milliseconds since 1970, so a span of time is a range of the index on (project_id, id).
_OVERVIEWS: Final = text("""
    WITH hours AS (
        SELECT at, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid AS id
        FROM generate_series(date_trunc('hour', now()) - make_interval(hours => CAST(:hours AS int) - 1),
                             date_trunc('hour', now()) + interval '1 hour', interval '1 hour') AS at
    ), spans AS (
        SELECT at, id AS low, lead(id) OVER (ORDER BY at) AS high FROM hours
    )
    SELECT projects.name AS project, projects.objectives, projects.champion_id,
        (SELECT min(at) FROM hours) AS since,
        greatest(
            (SELECT count(*) FROM (SELECT FROM runs WHERE runs.project_id = projects.id LIMIT :most) AS counted),
            (SELECT n_runs FROM project_health WHERE project_id = projects.id AND n_runs > :most)) AS n_runs,
        (SELECT count(*) FROM (SELECT FROM datasets WHERE datasets.project_id = projects.id LIMIT :most) AS counted)
            AS n_datasets,
        (SELECT created_at FROM runs WHERE id = (
             SELECT id FROM runs WHERE runs.project_id = projects.id ORDER BY id DESC LIMIT 1)) AS last_run_at,
        ARRAY(SELECT (SELECT count(*) FROM (
                          SELECT FROM runs WHERE runs.project_id = projects.id AND runs.id >= low AND runs.id < high
                          LIMIT :most_an_hour) AS counted)
              FROM spans WHERE high IS NOT NULL ORDER BY at) AS runs_per_hour,
        (SELECT jsonb_build_object('id', id, 'state', state, 'queued_at', queued_at, 'finished_at', finished_at,
                                   'error', error)
         FROM refits WHERE refits.project_id = projects.id ORDER BY id DESC LIMIT 1) AS refit
    FROM projects
    WHERE projects.name > :after AND (CAST(:reach AS bigint[]) IS NULL OR projects.id = ANY(:reach))
        AND (CAST(:project AS text) IS NULL OR projects.name = CAST(:project AS text))
    ORDER BY projects.name
    LIMIT :limit
""")


async def page(
    connection: AsyncConnection, *, limit: int, after: str = "", project: str | None = None, reach: Reach = None
) -> list[Overview]:
    """Projects by name: at most `limit` of those after a name, or one of them."""
    given = {"hours": HOURS, "most": MOST_RUNS, "most_an_hour": MOST_RUNS_AN_HOUR, "limit": limit, "after": after}
    given |= {"project": project, "reach": None if reach is None else list(reach)}
    rows = await connection.execute(_OVERVIEWS, given)
    return [Overview(**row) for row in rows.mappings()]
