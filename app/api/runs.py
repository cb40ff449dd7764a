"""`/v1/runs`: what was trained, with its outcome."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from app.api import examples, ndjson, problems, strict_json, swift_runs
from app.api import run_schemas as schemas
from app.api.access import CallerHandle
from app.api.dependencies import DatabaseHandle, Json, SettingsHandle, id_path
from app.api.hot_runs import receipt, status_of
from app.api.problems import faults_of, responses
from app.api.strict_json import StrictRoute
from app.errors import Forbidden, ForerunError, InvalidRequest
from app.flows import ingest
from app.flows.access import Caller
from app.store import runs
from app.store.arrivals import Arrival, arrival_of
from app.store.upsert import Outcome
from app.types import Name, Run, RunPatch, State, StoredRun

router = APIRouter(tags=["runs"], route_class=StrictRoute)

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
MAX_FAULTS: Final = 5
"""Faults that are told of one run of a batch: there may be thousands of runs."""
MAX_TOLD: Final = 100
"""Rejected runs of a batch whose faults are told; of more it is told how many there are: a million take seconds."""
READ_AT_ONCE: Final = 2**18
"""Bytes of a batch that take a few milliseconds: less than a thread may wait for its turn."""
BATCH_LIMITS: Final = strict_json.Limits(values=5_000_000)


async def _intake(request: Request) -> ingest.Intake:
    handle: ingest.Intake = request.app.state.intake
    return handle


RunId = Annotated[UUID, id_path("`id` of the run, as answered when it was posted.", examples.RUN_ID)]
_RUN: Final = TypeAdapter(Run)


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
    intake: Annotated[ingest.Intake, Depends(_intake)],
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
    intake: Annotated[ingest.Intake, Depends(_intake)],
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
        stream = _streamed(request, settings.max_body_bytes, caller)
        return _receipt(await ingest.store_stream(database, stream, intake.bells), "")
    body = await strict_json.read(request, settings.max_batch_body_bytes)
    if len(body) <= READ_AT_ONCE:
        incoming = _read_batch(body, caller)
    else:
        incoming = await asyncio.to_thread(_read_batch, body, caller)  # 64 MB take a second: others want answers
    return _receipt(await ingest.store_batch(database, incoming, intake.bells), "/runs")


class _Envelope(BaseModel):
    """A batch before any of its runs is looked at."""

    model_config = ConfigDict(extra="forbid", strict=True)
    runs: list[Any] = Field(max_length=schemas.MAX_BATCH)


def _read_batch(body: bytes, caller: Caller) -> list[ingest.Incoming]:
    swift = swift_runs.read_all(swift_runs.split(body, BATCH_LIMITS) or (), around=2)
    if not swift or None in swift:
        return _read_carefully(body, swift, caller)
    return [_allowed(run, caller) for run in swift if run is not None]


def _read_carefully(body: bytes, swift: Sequence[Arrival | None], caller: Caller) -> list[ingest.Incoming]:
    """A batch of which at least one run is in doubt; those that are not need not be read again."""
    incoming: list[ingest.Incoming] = []
    n_rejected = 0
    for index, raw in enumerate(_runs_of(strict_json.loads(body, BATCH_LIMITS))):
        if swift and (run := swift[index]) is not None:
            incoming.append(_allowed(run, caller))
        else:
            incoming.append(_run_or_error(raw, caller, counted_only=n_rejected >= MAX_TOLD))
        n_rejected += isinstance(incoming[-1], ForerunError)
    return incoming


def _allowed(run: Arrival, caller: Caller) -> Arrival | Forbidden:
    try:
        caller.check(run.project)
    except Forbidden as error:
        return error
    return run


def _runs_of(body: Any) -> list[Any]:
    try:
        return _Envelope.model_validate(body).runs
    except ValidationError as error:
        raise _invalid(error, body, _Envelope) from None


def _run_or_error(raw: Any, caller: Caller, *, counted_only: bool = False) -> ingest.Incoming:
    try:
        run: Run = _RUN.validate_python(raw)
        caller.check(run.project)
    except ValidationError as error:
        if counted_only:
            return InvalidRequest(
                f"{error.error_count():,} faults; those of the first {MAX_TOLD} rejected runs are told"
            )
        return _invalid(error, raw, Run)
    except Forbidden as error:
        return error
    return arrival_of(run)


def _invalid(error: ValidationError, body: Any, model: Any) -> InvalidRequest:
    faults = faults_of(error.errors(include_url=False, include_input=False), body, model)
    return InvalidRequest(f"{faults[0].pointer or 'the body'}: {faults[0].message}", faults)


async def _streamed(
    request: Request, max_line_bytes: int, caller: Caller
) -> AsyncIterator[list[tuple[int, ingest.Incoming]]]:
    async for lines in ndjson.lines(strict_json.chunks(request), max_line_bytes):
        swift = iter(swift_runs.read_all([line for _, line in lines if isinstance(line, bytes)]))
        yield [
            (number, _read(line, next(swift), caller) if isinstance(line, bytes) else line) for number, line in lines
        ]


def _read(line: bytes, swift: Arrival | None, caller: Caller) -> ingest.Incoming:
    if swift is not None:
        return _allowed(swift, caller)
    try:
        return _run_or_error(strict_json.loads(line), caller)
    except ForerunError as error:
        return error


def _receipt(tally: ingest.Tally, root: str) -> Json:
    return Json(
        {
            "created": tally.created,
            "duplicates": tally.duplicates,
            "rejected": tally.rejected,
            "results": [_result(outcome, root and f"{root}/{outcome.index}") for outcome in tally.results],
            "results_omitted": tally.results_omitted,
        }
    )


def _result(outcome: Outcome, where: str) -> dict[str, Any]:
    """`where` is the pointer of the run itself, which the pointers of its faults begin with."""
    result: dict[str, Any] = {"index": outcome.index, "status": outcome.status}
    if outcome.id is not None:
        result["id"] = outcome.id
    if outcome.error is not None:
        result["error"] = _error(outcome.error, where)
    return result


def _error(error: ForerunError, where: str) -> dict[str, Any]:
    faults = [problems.told(fault, where) for fault in error.faults[:MAX_FAULTS]]
    return {"code": error.code, "detail": problems.clean(error.detail), "errors": faults}


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
    database: DatabaseHandle,
    settings: SettingsHandle,
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
        amended = await ingest.amend(database, run, patch, settings.refit_delay_seconds, caller.reach)
    except ValidationError as error:
        raise _invalid(error, patch.model_dump(exclude_unset=True), RunPatch) from None
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
