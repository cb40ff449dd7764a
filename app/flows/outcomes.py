"""What became of a project's recommendations: predicted against realised, over all of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.flows.feedback import realised
from app.store import projects, recommendations
from app.store.database import Database

MOST_RUNS = 1_000
"""Runs of one page, which stands for at most `MOST_RECOMMENDATIONS` answers held in memory."""
MOST_RECOMMENDATIONS = 100


async def outcomes(
    database: Database, project: str, *, dataset: str | None, before: UUID | None, limit: int
) -> tuple[list[dict[str, Any]], UUID | None]:
    """The runs that followed the latest `limit` recommendations that any run named, and where the next page begins.

    Raises: NotFound, Unavailable.
    """
    async with database.snapshot() as connection:
        owner = await projects.get(connection, project)
        answered, following = await recommendations.followed(
            connection, owner.id, dataset=dataset, before=before, limit=limit
        )
        runs = await recommendations.runs_following(connection, [answer.id for answer in answered], MOST_RUNS)
    found = [
        {
            "recommendation_id": answer.id,
            "dataset": answer.dataset,
            "recommended_at": answer.created_at,
            "basis": answer.answer["basis"],
            **realised(run, answer.answer["configurations"]),
        }
        for answer in answered
        for run in runs.get(answer.id, ())
    ]
    return found, following
