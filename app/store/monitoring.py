"""What the database knows of the whole service, for its metrics: the same from whichever process it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

OUTCOMES: Final = ("promoted", "kept", "failed")
"""Of a refit: its meta-learner serves, or the champion before it was kept, or there is none."""
_OUTCOME: Final = """
    CASE WHEN state = 'failed' THEN 'failed' WHEN verdict ->> 'promoted' = 'true' THEN 'promoted' ELSE 'kept' END
"""
_REFITS: Final = text(f"""
    SELECT {_OUTCOME} AS outcome, width_bucket(seconds, CAST(:bounds AS double precision[])) AS bucket,
           count(*) AS n, sum(seconds) AS seconds
    FROM (SELECT *, extract(epoch FROM finished_at - started_at)::double precision AS seconds FROM refits) AS timed
    WHERE seconds IS NOT NULL GROUP BY outcome, bucket
""")  # noqa: S608  # put together from constants

# Jobs that could run now. A refit waits in its own table: its jobs are only bells.
_QUEUES: Final = text("""
    SELECT 'refits' AS queue, count(*) AS n, extract(epoch FROM now() - min(queued_at))::double precision AS seconds
    FROM refits WHERE state = 'queued'
    UNION ALL
    SELECT queue_name, count(*), extract(epoch FROM now() - min(coalesce(scheduled_at, events.at)))::double precision
    FROM procrastinate_jobs AS jobs LEFT JOIN procrastinate_events AS events
        ON events.job_id = jobs.id AND events.type = 'deferred'
    WHERE jobs.status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now()) AND queue_name <> 'refits'
    GROUP BY queue_name
""")
_LISTENERS: Final = text("""
    SELECT count(*) FROM procrastinate_workers
    WHERE last_heartbeat > now() - make_interval(secs => CAST(:lease AS double precision))
""")

# Of a report only the figures over all datasets, never those of each.
_PROJECTS: Final = text("""
    SELECT projects.name, health.n_runs, health.intervals, champion.version, champion.n_runs AS n_runs_learned,
           extract(epoch FROM now() - champion.fitted_at)::double precision AS age_seconds,
           extract(epoch FROM now() - health.last_run_at)::double precision AS silence_seconds,
           (SELECT jsonb_object_agg(target.key, target.value - 'by_dataset')
            FROM jsonb_each(champion.report -> 'targets') AS target) AS targets,
           ARRAY(SELECT each ->> 'metric' FROM jsonb_array_elements(projects.objectives) AS each) AS objectives
    FROM projects
    JOIN project_health AS health ON health.project_id = projects.id
    LEFT JOIN meta_learners AS champion ON champion.id = projects.champion_id
    ORDER BY health.last_run_at DESC NULLS LAST, projects.id LIMIT :limit
""")


@dataclass(frozen=True, slots=True)
class Refits:
    """Finished refits of one outcome, by how long they took: counts between the bounds, one more than there are."""

    outcome: str
    counts: list[int]
    seconds: float


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits and could be begun."""

    name: str
    n: int
    age_seconds: float


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """A project as its metrics show it."""

    name: str
    n_runs: int
    intervals: dict[str, dict[str, Any]]
    version: int | None
    n_runs_learned: int | None
    age_seconds: float | None
    silence_seconds: float | None
    targets: dict[str, dict[str, Any]] | None
    objectives: list[str]


async def refits(connection: AsyncConnection, bounds: tuple[float, ...]) -> list[Refits]:
    """The finished refits on record, by outcome, of which there is an entry each."""
    found = {outcome: Refits(outcome, [0] * (len(bounds) + 1), 0.0) for outcome in OUTCOMES}
    for row in await connection.execute(_REFITS, {"bounds": list(bounds)}):
        before = found[row.outcome]
        before.counts[row.bucket] += row.n
        found[row.outcome] = Refits(row.outcome, before.counts, before.seconds + row.seconds)
    return list(found.values())


async def queues(connection: AsyncConnection) -> list[Queue]:
    rows = await connection.execute(_QUEUES)
    return [Queue(row.queue, row.n, row.seconds or 0.0) for row in rows]


async def n_listeners(connection: AsyncConnection, lease_seconds: float) -> int:
    """How many listen to the queue; every worker does so twice."""
    return await connection.scalar(_LISTENERS, {"lease": lease_seconds}) or 0


async def projects(connection: AsyncConnection, limit: int) -> list[ProjectFacts]:
    """The projects that got runs last."""
    return [ProjectFacts(**row) for row in (await connection.execute(_PROJECTS, {"limit": limit})).mappings()]
