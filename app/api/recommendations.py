"""`/v1/recommendations`: what was recommended, and how it turned out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.api import examples
from app.api.access import CallerHandle
from app.api.dependencies import CursorQuery, DatabaseHandle, Json, LimitQuery, ProjectQuery, id_path
from app.api.glance_schemas import RECOMMENDATION_LISTED, RecommendationList
from app.api.problems import responses
from app.api.schemas import RecommendationRecord
from app.api.strict_json import StrictRoute
from app.flows import feedback
from app.store import cursors, projects, recommendations
from app.types import Name

router = APIRouter(tags=["recommend"], route_class=StrictRoute)


@router.get(
    "/v1/recommendations",
    operation_id="list_recommendations",
    summary="List recommendations",
    response_model=RecommendationList,
    response_description="A page of recommendations, newest first.",
    responses={
        **examples.answer(200, {"recommendations": [RECOMMENDATION_LISTED], "next_cursor": None}),
        **responses(404),
    },
)
async def list_recommendations(
    database: DatabaseHandle,
    caller: CallerHandle,
    project: ProjectQuery,
    dataset: Annotated[Name | None, Query(description="Only recommendations for the dataset of this name.")] = None,
    cursor: CursorQuery = None,
    limit: LimitQuery = 100,
) -> Json:
    """What was asked about, and what the answers rest on; each has its answer under its id."""
    caller.check(project)
    before = None if cursor is None else cursors.read_uuid(cursor)
    async with database.snapshot() as connection:
        owner = await projects.get(connection, project)
        found = await recommendations.list_page(connection, owner.id, limit + 1, dataset=dataset, before=before)
    following = cursors.after_uuid(found[limit - 1].recommendation_id) if len(found) > limit else None
    return Json({"recommendations": [asdict(one) for one in found[:limit]], "next_cursor": following})


@router.get(
    "/v1/recommendations/{id}",
    operation_id="get_recommendation",
    summary="See how a recommendation turned out",
    response_model=RecommendationRecord,
    response_description="The stored answer, and the runs that named it.",
    responses={**examples.answer(200, examples.RECOMMENDATION_RECORD), **responses(404)},
)
async def get_recommendation(
    database: DatabaseHandle,
    caller: CallerHandle,
    recommendation_id: Annotated[UUID, id_path("`recommendation_id` of the answer.", examples.RECOMMENDATION_ID)],
) -> Json:
    """The answer as it was given, with the runs that named it: predicted against realised, target by target."""
    return Json(await feedback.recommendation(database, recommendation_id, caller.reach))
