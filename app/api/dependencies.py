"""What the endpoints are given: the handles opened in the lifespan, and the checks that every request passes.

The functions are `async` although most wait for nothing: FastAPI sends plain functions through a thread pool.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import orjson
from fastapi import Depends, Path, Query, Request, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse

from app import telemetry
from app.config import Settings
from app.errors import Fault, InvalidRequest, Unavailable, pointer
from app.flows.recommend import Bundles
from app.store.database import Database
from app.types import Name

# ---------------------------------------------------------------- answers


class Json(JSONResponse):
    """A body that is ready to be sent, written by orjson. Models declared on routes describe it; none runs over it."""

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content, option=orjson.OPT_UTC_Z)


# ---------------------------------------------------------------- handles


class Gate:
    """Lets `slots` callers work at a time and `queue` more wait; whoever comes then is refused at once."""

    def __init__(self, slots: int, queue: int) -> None:
        self._slots = asyncio.Semaphore(slots)
        self._free_places = slots + queue

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        if self._free_places == 0:
            telemetry.RECOMMEND_REFUSED.inc()
            raise Unavailable("too many recommendations are under way; try again soon", retry_after_seconds=1)
        self._free_places -= 1
        try:
            async with self._slots:
                yield
        finally:
            self._free_places += 1


async def settings(request: Request) -> Settings:
    handle: Settings = request.app.state.settings
    return handle


async def database(request: Request) -> Database:
    handle: Database = request.app.state.database
    return handle


async def bundles(request: Request) -> Bundles:
    handle: Bundles = request.app.state.bundles
    return handle


async def recommend_gate(request: Request) -> Gate:
    handle: Gate = request.app.state.recommend_gate
    return handle


SettingsHandle = Annotated[Settings, Depends(settings)]
DatabaseHandle = Annotated[Database, Depends(database)]
BundlesHandle = Annotated[Bundles, Depends(bundles)]
RecommendGate = Annotated[Gate, Depends(recommend_gate)]

# ---------------------------------------------------------------- parameters


def id_path(description: str, example: str) -> Any:
    """The `{id}` of a path, under a name in the code that does not hide Python's own."""
    return Path(alias="id", description=description, examples=[example])


NamePath = Annotated[Name, Path(description="The name, percent-encoded where it has to be.", examples=["demo"])]
ProjectQuery = Annotated[Name, Query(description="The project.", examples=["demo"])]
LimitQuery = Annotated[int, Query(ge=1, le=500, description="Most that one page lists.")]
CursorQuery = Annotated[
    str | None, Query(max_length=64, description="`next_cursor` of the page before; absent for the first page.")
]


async def known_query_only(request: Request) -> None:
    """Refuse a query parameter that this path does not take, and one given twice: a typo must not be ignored."""
    if not request.scope["query_string"]:
        return
    known = _query_names(request.scope["route"])
    given = [name for name, _ in request.query_params.multi_items()]
    unknown = [
        Fault(pointer("query", name[:80]), "there is no such query parameter") for name in given if name not in known
    ]
    repeated = [
        Fault(pointer("query", name), "this parameter is given twice") for name in known if given.count(name) > 1
    ]
    if faults := unknown + repeated:
        raise InvalidRequest(f"{faults[0].pointer}: {faults[0].message}", faults)


def _query_names(route: APIRoute) -> frozenset[str]:
    fields = get_flat_params(route.dependant)
    return frozenset(field.alias for field in fields if isinstance(field.field_info, params.Query))
