"""`/v1/projects`: pools of runs that may teach each other, and what is declared about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query

from app.api import examples
from app.api.access import CallerHandle
from app.api.dependencies import DatabaseHandle, Json, LimitQuery, NamePath
from app.api.problems import responses
from app.api.schemas import Project, ProjectDetail, ProjectList, ProjectSettings, RefitPolicy, Retention
from app.api.strict_json import StrictRoute
from app.store import health, meta_learners, projects
from app.types import Name

router = APIRouter(tags=["projects"], route_class=StrictRoute)


@router.get(
    "/v1/projects",
    operation_id="list_projects",
    summary="List projects",
    response_model=ProjectList,
    response_description="A page of projects, by name.",
    responses=examples.answer(200, {"projects": [examples.PROJECT_ANSWER], "next_cursor": None}),
)
async def list_projects(
    database: DatabaseHandle,
    caller: CallerHandle,
    cursor: Annotated[Name | None, Query(description="`next_cursor` of the page before.")] = None,
    limit: LimitQuery = 500,
) -> Json:
    """Every project there is; one comes into being with its first run or its first settings."""
    async with database.snapshot() as connection:
        found = await projects.list_all(connection, limit + 1, cursor or "", caller.reach)
        healths = await health.of(connection, [project.id for project in found])
    following = found[limit - 1].name if len(found) > limit else None
    return Json({"projects": [_as_json(project, healths) for project in found[:limit]], "next_cursor": following})


@router.get(
    "/v1/projects/{name:path}",
    operation_id="get_project",
    summary="Look at a project",
    response_model=ProjectDetail,
    response_description="The project.",
    responses={**examples.answer(200, {**examples.PROJECT_ANSWER, "warnings": []}), **responses(404)},
)
async def get_project(database: DatabaseHandle, caller: CallerHandle, name: NamePath) -> Json:
    """Its declared objectives and policies, which meta-learner serves, and how far its intervals hold."""
    caller.check(name)
    async with database.snapshot() as connection:
        project = await projects.get(connection, name)
        damaged = project.champion_id and not await meta_learners.is_intact(connection, project.champion_id)
        measured = await health.of(connection, [project.id])
    warnings = [f"the bundle of meta-learner {project.champion_id} is damaged; refit the project"] if damaged else []
    return Json({**_as_json(project, measured), "warnings": warnings})


@router.put(
    "/v1/projects/{name:path}",
    operation_id="put_project",
    summary="Declare what holds for a project",
    response_model=Project,
    response_description="The project as it is now.",
    responses=examples.answer(200, examples.PROJECT_ANSWER),
)
async def put_project(
    database: DatabaseHandle,
    caller: CallerHandle,
    name: NamePath,
    settings: Annotated[
        ProjectSettings,
        Body(openapi_examples={"demo": {"summary": "The demo project", "value": examples.PROJECT_SETTINGS}}),
    ],
) -> Json:
    """Set objectives, refit policy and retention; what is left out gets its default. Makes the project if need be."""
    caller.check(name)
    declared = settings.model_dump(mode="json")
    async with database.transaction() as connection:
        project = await projects.put(connection, name, **declared)
        return Json(_as_json(project, await health.of(connection, [project.id])))


def _as_json(project: projects.Project, healths: Mapping[int, health.Health]) -> dict[str, Any]:
    found = healths.get(project.id)
    return {
        "name": project.name,
        "objectives": project.objectives,
        "refit_policy": RefitPolicy.model_validate(project.refit_policy).model_dump(),
        "retention": Retention.model_validate(project.retention).model_dump(),
        "meta_learner_id": project.champion_id,
        "health": None if found is None else asdict(found),
        "created_at": project.created_at,
        "updated_at": project.updated_at,
    }
