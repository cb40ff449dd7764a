"""`/v1/meta-learners`: what was fitted, how it did on unseen datasets, and which one serves."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from app.api import examples
from app.api.access import CallerHandle
from app.api.dependencies import CursorQuery, DatabaseHandle, Json, LimitQuery, ProjectQuery, id_path
from app.api.problems import responses
from app.api.schemas import MetaLearner, MetaLearnerDetail, MetaLearnerList
from app.api.strict_json import StrictRoute
from app.store import cursors, meta_learners, projects
from app.store.database import AsyncConnection

router = APIRouter(tags=["meta-learners"], route_class=StrictRoute)

MetaLearnerPath = Annotated[UUID, id_path("The meta-learner.", examples.META_LEARNER_ID)]


@router.get(
    "/v1/meta-learners",
    operation_id="list_meta_learners",
    summary="List the meta-learners of a project",
    response_model=MetaLearnerList,
    response_description="A page of meta-learners, newest first.",
    responses={
        **examples.answer(200, {"meta_learners": [examples.META_LEARNER], "next_cursor": None}),
        **responses(404),
    },
)
async def list_meta_learners(
    database: DatabaseHandle,
    caller: CallerHandle,
    project: ProjectQuery,
    cursor: CursorQuery = None,
    limit: LimitQuery = 100,
) -> Json:
    """Every version that was fitted, with the verdict that made it serve or not."""
    caller.check(project)
    before = None if cursor is None else cursors.read_uuid(cursor)
    async with database.snapshot() as connection:
        owner = await projects.get(connection, project)
        found = await meta_learners.list_page(connection, owner.id, limit + 1, before)
        qualities = await meta_learners.qualities(connection, [one.id for one in found[:limit]])
    following = cursors.after_uuid(found[limit - 1].id) if len(found) > limit else None
    listed = [_as_json(one, MetaLearner, qualities.get(one.id, {})) for one in found[:limit]]
    return Json({"meta_learners": listed, "next_cursor": following})


@router.get(
    "/v1/meta-learners/{id}",
    operation_id="get_meta_learner",
    summary="Look at a meta-learner",
    response_model=MetaLearnerDetail,
    response_description="The meta-learner with its validation report.",
    responses={**examples.answer(200, examples.META_LEARNER_DETAIL), **responses(404)},
)
async def get_meta_learner(database: DatabaseHandle, caller: CallerHandle, meta_learner_id: MetaLearnerPath) -> Json:
    """With its validation report: regret, rank correlation and interval coverage on datasets it had not seen."""
    async with database.snapshot() as connection:
        found = await meta_learners.get(connection, meta_learner_id, reach=caller.reach)
        return Json(await _detail(connection, found))


@router.post(
    "/v1/meta-learners/{id}/promote",
    operation_id="promote_meta_learner",
    summary="Let a meta-learner serve",
    response_model=MetaLearnerDetail,
    response_description="The meta-learner, now its project's champion.",
    responses={**examples.answer(200, examples.META_LEARNER_DETAIL), **responses(404)},
)
async def promote_meta_learner(
    database: DatabaseHandle, caller: CallerHandle, meta_learner_id: MetaLearnerPath
) -> Json:
    """Make it its project's champion, whatever the verdict was: also the way back to an earlier version."""
    async with database.transaction() as connection:
        await meta_learners.promote(connection, meta_learner_id, caller.reach, caller.who)
        return Json(await _detail(connection, await meta_learners.get(connection, meta_learner_id)))


async def _detail(connection: AsyncConnection, found: meta_learners.MetaLearner) -> dict[str, Any]:
    qualities = await meta_learners.qualities(connection, [found.id])
    return _as_json(found, MetaLearnerDetail, qualities.get(found.id, {}))


def _as_json(
    meta_learner: meta_learners.MetaLearner, shape: type[BaseModel], quality: dict[str, Any]
) -> dict[str, Any]:
    known = {**asdict(meta_learner), "quality": quality}
    return {name: value for name, value in known.items() if name in shape.model_fields}
