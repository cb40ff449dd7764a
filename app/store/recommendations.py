"""Recommendations: what was asked, what was answered, and the runs that followed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import exists, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.errors import NotFound
from app.store.reach import Reach, within
from app.store.tables import projects, recommendations, runs

MAX_RUNS: Final = 10_000  # as many as an answer has configurations
WINDOW: Final = 10_000
"""Recommendations that one page of those that were followed looks at."""


@dataclass(frozen=True, slots=True)
class FollowingRun:
    """A run that named a recommendation: what was trained, and what came of it."""

    id: UUID
    run_id: str
    state: str
    hyperparameters: dict[str, Any]
    architecture: dict[str, Any]
    environment: dict[str, Any]
    fidelity: dict[str, Any]
    metrics: dict[str, float]
    resources: dict[str, float]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A recommendation as stored."""

    id: UUID
    project: str
    dataset: str
    meta_learner_id: UUID | None
    request: dict[str, Any]
    answer: dict[str, Any]
    created_at: datetime


async def insert_one(
    connection: AsyncConnection,
    project_id: int,
    *,
    dataset: str,
    meta_learner_id: UUID | None,
    request: dict[str, Any],
    answer: dict[str, Any],
) -> UUID:
    """Store a request with its answer; the id it gets is the answer's `recommendation_id`."""
    values = {
        "project_id": project_id,
        "dataset": dataset,
        "meta_learner_id": meta_learner_id,
        "request": request,
        "answer": answer,
    }
    statement = insert(recommendations).values(values).returning(recommendations.c.id)
    recommendation_id: UUID = (await connection.execute(statement)).scalar_one()
    return recommendation_id


async def get(connection: AsyncConnection, recommendation_id: UUID, reach: Reach = None) -> Recommendation:
    """Raises: NotFound."""
    columns = [column for column in recommendations.c if column.name != "project_id"]
    statement = select(projects.c.name.label("project"), *columns).join_from(recommendations, projects)
    statement = statement.where(recommendations.c.id == recommendation_id, within(recommendations.c.project_id, reach))
    row = (await connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no recommendation {recommendation_id}")
    return Recommendation(**row)


async def runs_following(
    connection: AsyncConnection, ids: Collection[UUID], most: int
) -> dict[UUID, list[FollowingRun]]:
    """The latest runs, in all at most so many, that named one of several recommendations; oldest first in each."""
    columns = [runs.c[name] for name in FollowingRun.__dataclass_fields__]
    statement = select(runs.c.recommendation_id, *columns).where(runs.c.recommendation_id.in_(ids))
    rows = (await connection.execute(statement.order_by(runs.c.id.desc()).limit(most))).mappings().all()
    found: dict[UUID, list[FollowingRun]] = {}
    for row in reversed(rows):
        fields = dict(row)
        found.setdefault(fields.pop("recommendation_id"), []).append(FollowingRun(**fields))
    return found


async def following_runs(connection: AsyncConnection, recommendation_id: UUID) -> list[FollowingRun]:
    """The runs that named a recommendation, oldest first."""
    columns = [runs.c[name] for name in FollowingRun.__dataclass_fields__]
    statement = select(*columns).where(runs.c.recommendation_id == recommendation_id)
    rows = await connection.execute(statement.order_by(runs.c.id).limit(MAX_RUNS))
    return [FollowingRun(**row) for row in rows.mappings()]


@dataclass(frozen=True, slots=True)
class Listed:
    """A recommendation in a list: what it was about, without its request and answer."""

    recommendation_id: UUID
    dataset: str
    basis: str
    meta_learner_id: UUID | None
    n_configurations: int
    created_at: datetime


async def list_page(
    connection: AsyncConnection, project_id: int, limit: int, *, dataset: str | None, before: UUID | None
) -> list[Listed]:
    """At most `limit` recommendations of a project, newest first, those before the id `before`."""
    columns = recommendations.c
    statement = select(
        columns.id.label("recommendation_id"),
        columns.dataset,
        columns.answer["basis"].astext.label("basis"),
        columns.meta_learner_id,
        func.jsonb_array_length(columns.answer["configurations"]).label("n_configurations"),
        columns.created_at,
    ).where(columns.project_id == project_id)
    if dataset is not None:
        statement = statement.where(columns.dataset == dataset)
    if before is not None:
        statement = statement.where(columns.id < before)
    rows = await connection.execute(statement.order_by(columns.id.desc()).limit(limit))
    return [Listed(**row) for row in rows.mappings()]


async def followed(
    connection: AsyncConnection, project_id: int, *, dataset: str | None, before: UUID | None, limit: int
) -> tuple[list[Recommendation], UUID | None]:
    """Recommendations that runs have named, newest first, without their requests; and where the next page begins.

    A page looks at a bounded number of recommendations, so it may be short, or empty, and still not be the last.
    """
    latest = select(recommendations.c.id, recommendations.c.dataset).where(recommendations.c.project_id == project_id)
    if before is not None:
        latest = latest.where(recommendations.c.id < before)
    window = latest.order_by(recommendations.c.id.desc()).limit(WINDOW).subquery()
    named = select(window.c.id).where(exists().where(runs.c.recommendation_id == window.c.id))
    if dataset is not None:
        named = named.where(window.c.dataset == dataset)
    ids = list((await connection.execute(named.order_by(window.c.id.desc()).limit(limit))).scalars())
    if len(ids) == limit:
        return await _answers(connection, ids), ids[-1]
    last = await connection.scalar(select(window.c.id).order_by(window.c.id.desc()).offset(WINDOW - 1))
    return await _answers(connection, ids), last


async def _answers(connection: AsyncConnection, ids: Collection[UUID]) -> list[Recommendation]:
    columns = [column for column in recommendations.c if column.name not in ("project_id", "request")]
    statement = select(projects.c.name.label("project"), *columns).join_from(recommendations, projects)
    rows = await connection.execute(
        statement.where(recommendations.c.id.in_(ids)).order_by(recommendations.c.id.desc())
    )
    return [Recommendation(**row, request={}) for row in rows.mappings()]
