"""`POST /v1/runs` below FastAPI: an ASGI layer that answers the ordinary request and passes every other one on.

FastAPI takes 130 µs for what is done here in ten. It is documented by its route in `runs.py`, which also gets whatever
this layer hesitates at, with the body read so far: wrong media types, bodies in doubt, keys of other projects, traces.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import tracing
from app.api import problems
from app.api.access import caller_of
from app.config import Settings
from app.errors import ForerunError
from app.flows.access import Caller
from app.flows.ingest import Intake
from app.store.upsert import Outcome

PATH: Final = "/v1/runs"
_ROUTE: Final = SimpleNamespace(path_format=PATH)
"""What stands for the route in metrics and logs."""


class HotRuns:
    """The layer; behind `Access`, which has let the caller in."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._max_bytes = settings.max_body_bytes
        self._traced = tracing.is_on()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._is_ordinary(scope):
            await self.app(scope, receive, send)
            return
        messages: list[Message] = []
        try:
            body = await self._body(receive, messages)
        except ForerunError as error:  # such as a body that trickles
            scope["route"] = _ROUTE
            await problems.answer_to(error)(scope, receive, send)
            return
        intake: Intake = scope["app"].state.intake
        answer = await _answer(intake, body, caller_of(scope)) if body is not None else None
        if answer is None:
            await self.app(scope, _again(messages, receive), send)
            return
        scope["route"] = _ROUTE
        await answer(scope, receive, send)

    def _is_ordinary(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST" or scope["query_string"]:
            return False
        media_types = [value for name, value in scope["headers"] if name == b"content-type"]
        encoded = any(name == b"content-encoding" for name, _ in scope["headers"])
        announced = sum(int(value) for name, value in scope["headers"] if name == b"content-length")
        fits = announced <= self._max_bytes  # else it is refused before it is sent
        return media_types == [b"application/json"] and not encoded and fits and not self._traced

    async def _body(self, receive: Receive, messages: list[Message]) -> bytes | None:
        """The whole body; None as soon as it is too large or the client has left."""
        size, more = 0, True
        while more:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            if message["type"] != "http.request" or size > self._max_bytes:
                return None
            more = message.get("more_body", False)
        return b"".join([message.get("body", b"") for message in messages])


def _again(messages: list[Message], receive: Receive) -> Receive:
    """What was received, and then what comes."""
    waiting = iter(messages)

    async def receive_again() -> Message:
        return next(waiting, None) or await receive()

    return receive_again


async def _answer(intake: Intake, body: bytes, caller: Caller) -> ASGIApp | None:
    """None where it hesitates."""
    try:
        outcome = await intake.store_body(body, caller.reaches)
        if outcome is None:
            return None
        if outcome.error is not None:
            raise outcome.error
    except ForerunError as error:
        return problems.answer_to(error)
    return _Receipt(outcome)


class _Receipt:
    """The answer to a run that is stored."""

    def __init__(self, outcome: Outcome) -> None:
        self._status = status_of(outcome)
        self._body = orjson.dumps(receipt(outcome))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"%d" % len(self._body)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": self._body})


def receipt(outcome: Outcome) -> dict[str, Any]:
    """What a run that is stored is answered with."""
    return {"id": outcome.id, "run_id": outcome.run_id, "status": outcome.status}


def status_of(outcome: Outcome) -> int:
    """The HTTP status of such an answer."""
    return 201 if outcome.status == "created" else 200
