"""`/v1/keys` and `/v1/audit`: who may use the service, and what was done with that."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Response

from app.api import access_schemas as schemas
from app.api import examples
from app.api.access import CallerHandle, KeyringHandle
from app.api.dependencies import CursorQuery, DatabaseHandle, Json, LimitQuery, id_path
from app.api.problems import responses
from app.api.strict_json import StrictRoute
from app.flows.access import create_key
from app.store import audit, keys, projects
from app.store.database import AsyncConnection

router = APIRouter(tags=["access"], route_class=StrictRoute)


@router.post(
    "/v1/keys",
    operation_id="create_key",
    summary="Make an API key",
    status_code=201,
    response_model=schemas.NewKey,
    response_description="The key. Its text is shown this once.",
    responses=examples.answer(201, schemas.NEW_KEY),
)
async def post_key(
    database: DatabaseHandle,
    caller: CallerHandle,
    request: Annotated[
        schemas.KeyRequest, Body(openapi_examples={"cluster": {"summary": "For a cluster", "value": schemas.REQUEST}})
    ],
) -> Json:
    """Make a key; only its hash is kept. Projects that it names come into being if they are not there yet."""
    async with database.transaction() as connection:
        days = request.expires_in_days
        key, text = await create_key(connection, request.name, request.scopes, request.projects, days, who=caller.who)
        (record,) = await _records(connection, [key])
    return Json({"key": text, **record}, 201, {"Cache-Control": "no-store"})


@router.get(
    "/v1/keys",
    operation_id="list_keys",
    summary="List API keys",
    response_model=schemas.KeyList,
    response_description="A page of keys, newest first.",
    responses=examples.answer(200, {"keys": [schemas.KEY], "next_cursor": None}),
)
async def list_keys(database: DatabaseHandle, cursor: CursorQuery = None, limit: LimitQuery = 100) -> Json:
    """Every key that was made, also those that were revoked; never their texts, which nobody has."""
    async with database.snapshot() as connection:
        page, following = await keys.page(connection, cursor=cursor, limit=limit)
        return Json({"keys": await _records(connection, page), "next_cursor": following})


@router.delete(
    "/v1/keys/{id}",
    operation_id="revoke_key",
    summary="Revoke an API key",
    status_code=204,
    response_class=Response,
    response_description="The key opens nothing any more.",
    responses=responses(404),
)
async def revoke_key(
    database: DatabaseHandle,
    keyring: KeyringHandle,
    caller: CallerHandle,
    key_id: Annotated[UUID, id_path("The key.", schemas.KEY_ID)],
) -> Response:
    """From now on it opens nothing here, and within five seconds in no other process. It stays in the list."""
    async with database.transaction() as connection:
        key = await keys.revoke(connection, key_id, caller.who)
    keyring.forget(key.prefix)
    return Response(status_code=204)


@router.get(
    "/v1/audit",
    operation_id="list_audit",
    summary="Read the audit record",
    response_model=schemas.AuditPage,
    response_description="A page of events, newest first.",
    responses=examples.answer(200, {"events": [schemas.EVENT], "next_cursor": None}),
)
async def list_audit(database: DatabaseHandle, cursor: CursorQuery = None, limit: LimitQuery = 100) -> Json:
    """What was done to keys, meta-learners and runs, and by whom. The record can only grow."""
    async with database.snapshot() as connection:
        page, following = await audit.page(connection, cursor=cursor, limit=limit)
    return Json({"events": [asdict(event) for event in page], "next_cursor": following})


async def _records(connection: AsyncConnection, listed: list[keys.Key]) -> list[dict[str, Any]]:
    names = await projects.names(connection, {project_id for key in listed for project_id in key.project_ids or ()})
    return [_record(key, names) for key in listed]


def _record(key: keys.Key, names: dict[int, str]) -> dict[str, Any]:
    shown = {name: value for name, value in asdict(key).items() if name in schemas.Key.model_fields}
    limited = None if key.project_ids is None else [names[project_id] for project_id in key.project_ids]
    return {**shown, "projects": limited}
