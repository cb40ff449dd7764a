"""`POST /v1/recommend`: what to train next."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Request, Response

from app.api import examples
from app.api.access import CallerHandle
from app.api.departure import while_waiting
from app.api.dependencies import BundlesHandle, DatabaseHandle, Json, RecommendGate
from app.api.schemas import Recommendation
from app.api.strict_json import StrictRoute
from app.flows.recommend import recommend as recommend_configurations
from app.types import RecommendRequest

CLIENT_LEFT = 499
"""What the log and the metrics show; the client is not there to see it."""

router = APIRouter(tags=["recommend"], route_class=StrictRoute)


@router.post(
    "/v1/recommend",
    operation_id="recommend",
    summary="Ask what to train next",
    response_model=Recommendation,
    response_description="The ranked configurations, best first.",
    responses=examples.answer(200, examples.RECOMMENDATION),
)
async def recommend(
    database: DatabaseHandle,
    bundles: BundlesHandle,
    gate: RecommendGate,
    caller: CallerHandle,
    http: Request,
    request: Annotated[RecommendRequest, Body(openapi_examples=examples.RECOMMEND_REQUESTS)],
) -> Response:
    """Rank configurations of a search space for a dataset, with what each is predicted to score and to cost.

    The answer rests on the project's history and on every stored run of this dataset (`observations` adds more). It is
    good for a dataset never seen before, and needs no history at all. It is stored: name its `recommendation_id` in the
    runs that follow it. The same request, seed and meta-learner give the same answer.
    """
    caller.check(request.project)
    async with gate.enter():
        answer = await while_waiting(http, recommend_configurations(database, bundles, request))
    return Json(answer) if answer is not None else Response(status_code=CLIENT_LEFT)
