"""`/v1/overview`: how projects stand, at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from app.api import examples
from app.api.access import CallerHandle
from app.api.dependencies import BundlesHandle, DatabaseHandle, Json
from app.api.glance_schemas import OVERVIEW, OverviewList
from app.api.strict_json import StrictRoute
from app.store import meta_learners, overview
from app.store.meta_learners import MetaLearner
from app.types import Name

router = APIRouter(tags=["projects"], route_class=StrictRoute)


@router.get(
    "/v1/overview",
    operation_id="get_overview",
    summary="See how projects stand",
    response_model=OverviewList,
    response_description="A page of projects, by name.",
    responses=examples.answer(200, {"projects": [OVERVIEW], "next_cursor": None}),
)
async def get_overview(
    database: DatabaseHandle,
    bundles: BundlesHandle,
    caller: CallerHandle,
    project: Annotated[Name | None, Query(description="Only this project.")] = None,
    cursor: Annotated[Name | None, Query(description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Most that one page lists.")] = 20,
) -> Json:
    """What came in lately, who serves and how well, and how the last refit went.

    A project that is not there makes an empty list. Counting stops at 100,000 runs, and at 10,000
    in any one hour.
    """
    if project is not None:
        caller.check(project)
    async with database.snapshot() as connection:
        found = await overview.page(
            connection, limit=limit + 1, after=cursor or "", project=project, reach=caller.reach
        )
        listed = found[:limit]
        serving = [one.champion_id for one in listed if one.champion_id is not None]
        champions = {one: await meta_learners.get(connection, one, with_report=False) for one in serving}
        qualities = await meta_learners.qualities(connection, serving)
    following = listed[-1].project if len(found) > limit else None
    answer = [_as_json(one, champions, qualities, bundles.damaged) for one in listed]
    return Json({"projects": answer, "next_cursor": following})


def _as_json(
    one: overview.Overview,
    champions: Mapping[UUID, MetaLearner],
    qualities: Mapping[UUID, dict[str, Any]],
    damaged: set[UUID],
) -> dict[str, Any]:
    champion = champions.get(one.champion_id) if one.champion_id else None
    return {
        "project": one.project,
        "objectives": one.objectives,
        "n_runs": one.n_runs,
        "n_datasets": one.n_datasets,
        "runs_per_hour": {"since": one.since, "counts": one.runs_per_hour},
        "last_run_at": one.last_run_at,
        "champion": champion
        and {
            "id": champion.id,
            "version": champion.version,
            "fitted_at": champion.fitted_at,
            "n_runs": champion.n_runs,
            "n_datasets": champion.n_datasets,
            "damaged": champion.id in damaged,
            "quality": qualities.get(champion.id, {}),
        },
        "refit": one.refit,
    }
