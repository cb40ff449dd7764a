"""Recommendations: what was asked, what was answered, and the runs that followed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.errors import NotFound
from app.store.reach import Reach, within
from app.store.tables import projects, recommendations, runs

MAX_RUNS = 10_000  # as many as an answer has configurations


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


async def following_runs(connection: AsyncConnection, recommendation_id: UUID) -> list[FollowingRun]:
    """The runs that named a recommendation, oldest first."""
    columns = [runs.c[name] for name in FollowingRun.__dataclass_fields__]
    statement = select(*columns).where(runs.c.recommendation_id == recommendation_id)
    rows = await connection.execute(statement.order_by(runs.c.id).limit(MAX_RUNS))
    return [FollowingRun(**row) for row in rows.mappings()]
