"""Our own ASGI layers, which every request passes on its way in: they stand in front of FastAPI and its own.

The layers of FastAPI and Starlette took a tenth of what the API spends on a run that is posted. Only where traces are
sent, FastAPI comes first, since its span is around all that a request is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from app import telemetry, tracing
from app.api.access import Access
from app.api.body_timeout import BodyTimeout
from app.api.hot_batches import HotBatches
from app.api.problems import Unexpected
from app.config import Settings
from app.flows.access import Caller, Keyring

_PASSED: Final = "forerun.passed"


class Layered(FastAPI):
    """An application behind the layers, once `settings` are known to it."""

    _access: Access
    _front: ASGIApp | None = None

    def install_layers(self, settings: Settings) -> None:
        """To be called once, after all other middleware was added."""
        self._access = Access(HotBatches(super().__call__, settings), settings)
        if not tracing.is_on():
            self._front = _around(self._access, settings)
        self.add_middleware(_Within, settings=settings)

    def caller_at_once(self, method: str, path: str, headers: Mapping[bytes, bytes]) -> Caller | None:
        """Who makes a request, if it may pass all layers, which can be told at once; else None."""
        if self._front is None:
            return None
        keyring: Keyring = self.state.keyring
        return self._access.at_once(method, path, headers, keyring)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._front is None:
            await super().__call__(scope, receive, send)
            return
        scope["app"], scope[_PASSED] = self, True
        await self._front(scope, receive, send)


class _Within:
    """The layers inside of FastAPI, for what has not passed them in front of it."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        access = Access(HotBatches(app, settings), settings)
        self._app, self._layers = app, _around(access, settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._app if _PASSED in scope else self._layers)(scope, receive, send)


def _around(access: Access, settings: Settings) -> ASGIApp:
    """The layers in front of the one that lets requests in; the last one is the first to be passed."""
    return telemetry.Telemetry(BodyTimeout(Unexpected(access), settings.body_timeout_seconds))
