"""Batches that are posted, below FastAPI: an ASGI layer that answers the ordinary ones and passes the others on.

FastAPI takes 500 µs for what is done here in ten. What is posted is documented by the route in `runs.py`, which also
gets whatever this layer hesitates at, with the body read so far: wrong media types, bodies in doubt, keys of other
projects, large batches, traces.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import tracing
from app.api import batches, problems
from app.api.access import caller_of
from app.api.receipts import receipts
from app.config import Settings
from app.errors import ForerunError
from app.flows.ingest import store_batch
from app.flows.intake import Intake
from app.store.database import Database

PATH: Final = "/v1/runs/batch"
_ROUTE: Final = SimpleNamespace(path_format=PATH)
"""What stands for the route in metrics and logs."""


class HotBatches:
    """The layer; behind `Access`, which has let the caller in."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._max_bytes = min(batches.READ_AT_ONCE, settings.max_batch_body_bytes)
        self._traced = tracing.is_on()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._is_ordinary(scope):
            await self.app(scope, receive, send)
            return
        messages: list[Message] = []
        try:
            body = await _body(receive, messages, self._max_bytes)
        except ForerunError as error:  # such as a body that trickles
            scope["route"] = _ROUTE
            await problems.answer_to(error)(scope, receive, send)
            return
        answer = await _answer(scope, body) if body is not None else None
        if answer is None:
            await self.app(scope, _again(messages, receive), send)
            return
        scope["route"] = _ROUTE
        await answer(scope, receive, send)

    def _is_ordinary(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] != PATH or scope["query_string"]:
            return False
        media_types = [value for name, value in scope["headers"] if name == b"content-type"]
        encoded = any(name == b"content-encoding" for name, _ in scope["headers"])
        announced = sum(int(value) for name, value in scope["headers"] if name == b"content-length")
        fits = announced <= self._max_bytes  # else it is refused before it is sent
        return media_types == [b"application/json"] and not encoded and fits and not self._traced


async def _body(receive: Receive, messages: list[Message], max_bytes: int) -> bytes | None:
    """The whole body; None as soon as it is too large or the client has left."""
    size, more = 0, True
    while more:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if message["type"] != "http.request" or size > max_bytes:
            return None
        more = message.get("more_body", False)
    return b"".join([message.get("body", b"") for message in messages])


def _again(messages: list[Message], receive: Receive) -> Receive:
    """What was received, and then what comes."""
    waiting = iter(messages)

    async def receive_again() -> Message:
        return next(waiting, None) or await receive()

    return receive_again


async def _answer(scope: Scope, body: bytes) -> ASGIApp | None:
    """None where it hesitates."""
    database: Database = scope["app"].state.database
    intake: Intake = scope["app"].state.intake
    try:
        incoming = batches.read_swiftly(body, caller_of(scope))
        return None if incoming is None else receipts(await store_batch(database, incoming, intake.bells), "/runs")
    except ForerunError as error:
        return problems.answer_to(error)
