"""`/v1/runs`: what was trained, with its outcome."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from pydantic import ValidationError

from app.api import batches, examples, strict_json
from app.api import run_schemas as schemas
from app.api.access import CallerHandle
from app.api.dependencies import DatabaseHandle, Json, SettingsHandle, id_path
from app.api.problems import responses
from app.api.receipts import receipt, receipts, status_of
from app.api.strict_json import StrictRoute
from app.flows import ingest
from app.flows.amendments import Amendments
from app.flows.intake import Intake
from app.store import runs
from app.types import Name, Run, RunPatch, State, StoredRun

router = APIRouter(tags=["runs"], route_class=StrictRoute)

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"


async def _intake(request: Request) -> Intake:
    handle: Intake = request.app.state.intake
    return handle


async def _amendments(request: Request) -> Amendments:
    handle: Amendments = request.app.state.amendments
    return handle


RunId = Annotated[UUID, id_path("`id` of the run, as answered when it was posted.", examples.RUN_ID)]


# ---------------------------------------------------------------- posting


@router.post(
    "/v1/runs",
    operation_id="post_run",
    summary="Post a run",
    status_code=201,
    response_model=schemas.RunReceipt,
    response_description="The run is stored.",
    responses={
        **examples.answer(201, schemas.RECEIPT),
        200: {
            "model": schemas.RunReceipt,
            "description": "The very same run had been stored before.",
            "content": {JSON: {"example": schemas.DUPLICATE}},
        },
        **responses(409, 429),
    },
)
async def post_run(
    intake: Annotated[Intake, Depends(_intake)],
    caller: CallerHandle,
    run: Annotated[Run, Body(openapi_examples=schemas.RUN_REQUESTS)],
) -> Json:
    """Store one training, whatever its outcome: failed runs are learned from too.

    Give each run a `run_id` and a retry is safe: the same body again is recognised (200), another body under the same
    `run_id` is refused (409). An acknowledged run is durable. Project and dataset come into being with their first run;
    meta-features are merged into the dataset's, the last writer of each wins.
    """
    caller.check(run.project)
    outcome = await intake.store(run)
    if outcome.error is not None:
        raise outcome.error
    return Json(receipt(outcome), status_code=status_of(outcome))


_BATCH_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {"schema": {"$ref": "#/components/schemas/RunBatch"}, "example": schemas.BATCH},
            NDJSON: {
                "schema": {"type": "string", "description": "One `Run` a line, any number of lines."},
                "example": schemas.STREAM,
            },
        },
    }
}


@router.post(
    "/v1/runs/batch",
    operation_id="post_runs",
    summary="Post many runs",
    response_model=schemas.BatchReceipt,
    response_description="What became of each run.",
    responses={**examples.answer(200, schemas.BATCH_RECEIPT), **responses(400, 413, 415)},
    openapi_extra=_BATCH_BODY,
)
async def post_runs(
    intake: Annotated[Intake, Depends(_intake)],
    database: DatabaseHandle,
    settings: SettingsHandle,
    caller: CallerHandle,
    request: Request,
) -> Json:
    """Store many runs at once; one that is bad never rejects the others.

    As `application/json`, up to 10,000 runs are stored together and answered one by one. As
    `application/x-ndjson`, one run a line, a body of any length is stored while it arrives, a thousand runs at a time,
    and the answer lists the lines that were not taken. Give the runs a `run_id`, and all of it can be sent again when
    the connection breaks.
    """
    if strict_json.check_media_type(request, JSON, NDJSON) == NDJSON:
        stream = batches.streamed(request, settings.max_body_bytes, caller)
        return receipts(await ingest.store_stream(database, stream, intake.bells), "")
    body = await strict_json.read(request, settings.max_batch_body_bytes)
    if len(body) <= batches.READ_AT_ONCE:
        incoming = batches.read(body, caller)
    else:
        incoming = await asyncio.to_thread(batches.read, body, caller)  # 64 MB take a second: others want answers
    return receipts(await ingest.store_batch(database, incoming, intake.bells), "/runs")


# ---------------------------------------------------------------- stored runs


@router.get(
    "/v1/runs",
    operation_id="list_runs",
    summary="List runs",
    response_model=schemas.RunList,
    response_description="A page of runs, newest first.",
    responses=examples.answer(200, {"runs": [schemas.RUN_RECORD], "next_cursor": None}),
)
async def list_runs(
    database: DatabaseHandle,
    caller: CallerHandle,
    project: Annotated[Name | None, Query(description="Only runs of this project.")] = None,
    dataset: Annotated[Name | None, Query(description="Only runs on the dataset of this name.")] = None,
    state: Annotated[State | None, Query(description="Only runs in this state.")] = None,
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before.")] = None,
    limit: Annotated[
        int, Query(ge=1, le=1000, description="Most runs to answer; very large ones fill a page sooner.")
    ] = 100,
    curves: Annotated[
        bool, Query(description="Whether runs come with their learning curves; else these are empty.")
    ] = True,
) -> Json:
    """Stored runs, newest first. Runs that are posted meanwhile neither repeat nor shift what later pages hold."""
    if project is not None:
        caller.check(project)
    async with database.snapshot() as connection:
        page, following = await runs.page(
            connection,
            project=project,
            dataset=dataset,
            state=state,
            cursor=cursor,
            limit=limit,
            curves=curves,
            reach=caller.reach,
        )
    return Json({"runs": [_record(run) for run in page], "next_cursor": following})


@router.get(
    "/v1/runs/{id}",
    operation_id="get_run",
    summary="Look at a run",
    response_model=schemas.RunRecord,
    response_description="The run.",
    responses={**examples.answer(200, schemas.RUN_RECORD), **responses(404)},
)
async def get_run(database: DatabaseHandle, caller: CallerHandle, run: RunId) -> Json:
    """A run as it was posted and amended, with what its dataset is known by."""
    async with database.snapshot() as connection:
        return Json(_record(await runs.get(connection, run, caller.reach)))


@router.patch(
    "/v1/runs/{id}",
    operation_id="patch_run",
    summary="Finish or extend a running run",
    response_model=schemas.RunRecord,
    response_description="The run as it is now.",
    responses={**examples.answer(200, schemas.RUN_RECORD), **responses(404, 409)},
)
async def patch_run(
    amendments: Annotated[Amendments, Depends(_amendments)],
    caller: CallerHandle,
    run: RunId,
    patch: Annotated[
        RunPatch, Body(openapi_examples={"finish": {"summary": "The run has completed", "value": schemas.PATCH}})
    ],
) -> Json:
    """Add to a run what was measured since: metrics and resources are merged, curve points appended, `state` ends it.

    Only a `running` run can change. The same patch again changes nothing (a curve point that is there already is not
    appended twice) and is answered as the first time, so a retry is safe; another patch to a finished run is refused.
    """
    try:
        amended = await amendments.amend(runs.Amendment(run, patch, caller.reach))
    except ValidationError as error:
        raise batches.invalid(error, patch.model_dump(exclude_unset=True), RunPatch) from None
    return Json(_record(amended))


@router.delete(
    "/v1/runs/{id}",
    operation_id="delete_run",
    summary="Delete a run",
    status_code=204,
    response_class=Response,
    response_description="The run is gone.",
    responses=responses(404),
)
async def delete_run(database: DatabaseHandle, caller: CallerHandle, run: RunId) -> Response:
    """Forget a run; the next refit no longer learns from it. Its `run_id` is free again."""
    async with database.transaction() as connection:
        await runs.remove(connection, run, caller.reach, caller.who)
    return Response(status_code=204)


def _record(stored: StoredRun) -> dict[str, Any]:
    return {
        "id": stored.id,
        **stored.run.model_dump(),
        "created_at": stored.created_at,
        "updated_at": stored.updated_at,
    }
