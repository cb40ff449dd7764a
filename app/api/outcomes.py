"""`/v1/outcomes`: how recommendations turned out, over a project."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.api import examples
from app.api.access import CallerHandle
from app.api.dependencies import CursorQuery, DatabaseHandle, Json, ProjectQuery
from app.api.glance_schemas import OUTCOME, OutcomeList
from app.api.problems import responses
from app.api.strict_json import StrictRoute
from app.flows import outcomes
from app.store import cursors
from app.types import Name

router = APIRouter(tags=["recommend"], route_class=StrictRoute)


@router.get(
    "/v1/outcomes",
    operation_id="list_outcomes",
    summary="See how recommendations turned out",
    response_model=OutcomeList,
    response_description="Runs that followed recommendations, those of the newest recommendation first.",
    responses={**examples.answer(200, {"outcomes": [OUTCOME], "next_cursor": None}), **responses(404)},
)
async def list_outcomes(
    database: DatabaseHandle,
    caller: CallerHandle,
    project: ProjectQuery,
    dataset: Annotated[Name | None, Query(description="Only recommendations for the dataset of this name.")] = None,
    cursor: CursorQuery = None,
    limit: Annotated[
        int, Query(ge=1, le=outcomes.MOST_RECOMMENDATIONS, description="Most recommendations whose runs are listed.")
    ] = 50,
) -> Json:
    """Predicted against realised, for the runs that named a recommendation.

    A page looks at a bounded number of recommendations: it may hold few or none and still have a `next_cursor`.
    """
    caller.check(project)
    before = None if cursor is None else cursors.read_uuid(cursor)
    found, following = await outcomes.outcomes(database, project, dataset=dataset, before=before, limit=limit)
    return Json({"outcomes": found, "next_cursor": following and cursors.after_uuid(following)})
