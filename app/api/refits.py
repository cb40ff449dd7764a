"""`/v1/refits`: fitting a project's meta-learner to its runs, which a worker does."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body

from app.api import examples
from app.api.access import CallerHandle
from app.api.dependencies import CursorQuery, DatabaseHandle, Json, LimitQuery, ProjectQuery, id_path
from app.api.problems import responses
from app.api.schemas import Refit, RefitList, RefitRequest
from app.api.strict_json import StrictRoute
from app.flows import upkeep
from app.store import cursors, projects, refits

router = APIRouter(tags=["refits"], route_class=StrictRoute)


@router.post(
    "/v1/refits",
    status_code=202,
    operation_id="request_refit",
    summary="Ask for a refit",
    response_model=Refit,
    response_description="The refit, queued.",
    responses={**examples.answer(202, examples.REFIT_QUEUED), **responses(404)},
)
async def request_refit(
    database: DatabaseHandle,
    caller: CallerHandle,
    request: Annotated[
        RefitRequest,
        Body(openapi_examples={"demo": {"summary": "The demo project", "value": examples.REFIT_REQUEST}}),
    ],
) -> Json:
    """Queue a refit of a project's meta-learner.

    If one is queued already, that one is answered: a refit learns from every run that is stored when it starts.
    """
    caller.check(request.project)
    async with database.transaction() as connection:
        refit = await upkeep.request_refit(connection, request.project)
    return Json(_as_json(refit), 202)


@router.get(
    "/v1/refits",
    operation_id="list_refits",
    summary="List the refits of a project",
    response_model=RefitList,
    response_description="A page of refits, newest first.",
    responses={**examples.answer(200, {"refits": [examples.REFIT], "next_cursor": None}), **responses(404)},
)
async def list_refits(
    database: DatabaseHandle,
    caller: CallerHandle,
    project: ProjectQuery,
    cursor: CursorQuery = None,
    limit: LimitQuery = 100,
) -> Json:
    """Who asked for each, how it ended, and what it made."""
    caller.check(project)
    before = None if cursor is None else cursors.read_uuid(cursor)
    async with database.snapshot() as connection:
        owner = await projects.get(connection, project)
        found = await refits.list_page(connection, owner.id, limit + 1, before)
    following = cursors.after_uuid(found[limit - 1].id) if len(found) > limit else None
    return Json({"refits": [_as_json(refit) for refit in found[:limit]], "next_cursor": following})


@router.get(
    "/v1/refits/{id}",
    operation_id="get_refit",
    summary="Follow a refit",
    response_model=Refit,
    response_description="The refit as it stands.",
    responses={**examples.answer(200, examples.REFIT), **responses(404)},
)
async def get_refit(
    database: DatabaseHandle,
    caller: CallerHandle,
    refit_id: Annotated[UUID, id_path("The refit.", examples.REFIT_ID)],
) -> Json:
    """Its state, and in the end the meta-learner it made with the verdict on it, or why it failed."""
    async with database.snapshot() as connection:
        return Json(_as_json(await refits.get(connection, refit_id, caller.reach)))


def _as_json(refit: refits.Refit) -> dict[str, Any]:
    return {name: value for name, value in asdict(refit).items() if name in Refit.model_fields}
