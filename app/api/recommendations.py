"""`/v1/recommendations`: what was recommended, and how it turned out."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from app.api import examples
from app.api.access import CallerHandle
from app.api.dependencies import DatabaseHandle, Json, id_path
from app.api.problems import responses
from app.api.schemas import RecommendationRecord
from app.api.strict_json import StrictRoute
from app.flows import feedback

router = APIRouter(tags=["recommend"], route_class=StrictRoute)


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
