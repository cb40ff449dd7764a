"""How projects stand: a row for each, rewritten by whichever worker looked last."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.store.recommendations import FollowingRun
from app.store.tables import meta_learners, project_health, projects, runs

WINDOW: Final = 5_000
"""The latest recommendations of a project, among which those are sought that were followed."""
MOST_OUTCOMES: Final = 200
"""The latest completed runs that followed one: enough to tell 80 % from 90 %, few enough to forget an old world."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a project stands."""

    measured_at: datetime
    n_runs: int
    """Runs that a refit would learn from."""
    n_new_runs: int
    """Those of them that the champion has not learned from; all, without a champion."""
    last_run_at: datetime | None
    intervals: dict[str, dict[str, Any]]
    """By target: how many outcomes there are, which share was inside, and whether that is drift."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A run that followed a recommendation, and what had been answered."""

    run: FollowingRun
    answered: list[dict[str, Any]]


# The answers, which are large, are only read for the rows that are left.
_FOLLOWED: Final = text("""
    WITH latest AS (
        SELECT id FROM recommendations WHERE project_id = :project_id ORDER BY id DESC LIMIT :window
    ), following AS (
        SELECT runs.* FROM latest JOIN runs ON runs.recommendation_id = latest.id
        WHERE runs.project_id = :project_id AND runs.state = 'completed' ORDER BY runs.id DESC LIMIT :most
    )
    SELECT following.*, recommendations.answer -> 'configurations' AS answered
    FROM following JOIN recommendations ON recommendations.id = following.recommendation_id
    ORDER BY following.id DESC
""")


async def followed(connection: AsyncConnection, project_id: int) -> list[Followed]:
    """The latest completed runs that followed one of the project's latest recommendations, newest first."""
    given = {"project_id": project_id, "window": WINDOW, "most": MOST_OUTCOMES}
    rows = (await connection.execute(_FOLLOWED, given)).mappings()
    fields = FollowingRun.__dataclass_fields__
    return [Followed(FollowingRun(**{name: row[name] for name in fields}), row["answered"]) for row in rows]


async def last_run_at(connection: AsyncConnection, project_id: int) -> datetime | None:
    """When the project's newest run was posted."""
    newest = select(runs.c.id).where(runs.c.project_id == project_id).order_by(runs.c.id.desc()).limit(1)
    return await connection.scalar(select(runs.c.created_at).where(runs.c.id == newest.scalar_subquery()))


async def put(
    connection: AsyncConnection,
    project_id: int,
    n_runs: int,
    last_run_at: datetime | None,
    intervals: dict[str, dict[str, Any]],
) -> None:
    """Keep what was measured, in place of what was measured before."""
    values = {"measured_at": func.now(), "n_runs": n_runs, "last_run_at": last_run_at, "intervals": intervals}
    statement = insert(project_health).values(project_id=project_id, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["project_id"], set_=values))


async def of(connection: AsyncConnection, project_ids: Collection[int]) -> dict[int, Health]:
    """What was measured last of some projects; of those that nobody has looked at yet there is nothing."""
    learned = func.coalesce(meta_learners.c.n_runs, 0)
    statement = (
        select(project_health, func.greatest(project_health.c.n_runs - learned, 0).label("n_new_runs"))
        .join(projects, projects.c.id == project_health.c.project_id)
        .outerjoin(meta_learners, meta_learners.c.id == projects.c.champion_id)
        .where(project_health.c.project_id.in_(project_ids))
    )
    rows = (await connection.execute(statement)).mappings()
    fields = Health.__dataclass_fields__
    return {row["project_id"]: Health(**{name: row[name] for name in fields}) for row in rows}
