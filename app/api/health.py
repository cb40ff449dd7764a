"""What operators and their load balancers ask: does it live, can it work, how is it doing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from app import __version__, telemetry
from app.api import examples
from app.api.dependencies import BundlesHandle, DatabaseHandle, Json, SettingsHandle
from app.api.schemas import Health, Readiness
from app.errors import Unavailable
from app.flows import monitoring
from app.flows.recommend import Bundles
from app.store import meta_learners
from app.store.database import Database
from app.store.migrate import schema_is_current

router = APIRouter(tags=["operations"])

_NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {
        "description": "It cannot; `checks` has the reason.",
        "model": Readiness,
        "content": {"application/json": {"example": examples.NOT_READY}},
    }
}


@router.get(
    "/healthz",
    operation_id="health",
    summary="Does the process live?",
    response_model=Health,
    response_description="It does.",
    responses=examples.answer(200, examples.HEALTH),
)
async def health() -> Json:
    """Answers as long as the process does; restart it when this fails. Asks nothing of the database."""
    return Json({"status": "ok", "version": __version__})


@router.get(
    "/readyz",
    operation_id="readiness",
    summary="Can the service do its work?",
    response_model=Readiness,
    response_description="It can: send it requests.",
    responses={**examples.answer(200, examples.READY), **_NOT_READY},
)
async def readiness(database: DatabaseHandle, bundles: BundlesHandle) -> Json:
    """Whether the database is reached and its schema is the one this version was written for.

    A champion whose bundle this process found damaged is a warning and not a failure: an earlier one answers.
    """
    checks, warnings = await _checks(database, bundles)
    ready = all(found == "ok" for found in checks.values())
    found = {"status": "ready" if ready else "not_ready", "checks": checks, "warnings": warnings}
    return Json(found, 200 if ready else 503)


async def _checks(database: Database, bundles: Bundles) -> tuple[dict[str, str], list[str]]:
    damaged: list[UUID] = []
    try:
        async with database.transaction() as connection:  # a replica alone could take no run
            current = await schema_is_current(connection)
            if current and bundles.damaged:
                damaged = await meta_learners.champions_among(connection, bundles.damaged)
    except Unavailable as error:
        return {"database": error.detail, "schema": "not known while the database cannot be reached"}, []
    warnings = [f"the bundle of the serving meta-learner {found} is damaged; refit its project" for found in damaged]
    return {
        "database": "ok",
        "schema": "ok" if current else "not the one of this version; run `forerun migrate`",
    }, warnings


@router.get(
    "/metrics",
    operation_id="metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    response_description="Prometheus text format.",
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": examples.METRICS}}}},
)
async def metrics(database: DatabaseHandle, settings: SettingsHandle) -> Response:
    """What this process did, and what the database knows: refits, the queue, how meta-learners and intervals hold.

    What the database knows is the same from every process: take its maximum over instances, not its sum.
    """
    facts = await monitoring.facts(database, settings)
    return Response(telemetry.exposition(facts), media_type=telemetry.EXPOSITION_TYPE)
