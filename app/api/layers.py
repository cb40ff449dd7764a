"""Our own ASGI layers, which every request passes on its way in: they stand in front of FastAPI and its own.

The layers of FastAPI and Starlette took a tenth of what the API spends on a run that is posted. Only where traces are
sent, FastAPI comes first, since its span is around all that a request is.
"""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from app import telemetry, tracing
from app.api.access import Access
from app.api.body_timeout import BodyTimeout
from app.api.hot_runs import HotRuns
from app.api.problems import Unexpected
from app.config import Settings

_PASSED: Final = "forerun.passed"


class Layered(FastAPI):
    """An application behind the layers, once `settings` are known to it."""

    _front: ASGIApp | None = None

    def install_layers(self, settings: Settings) -> None:
        """To be called once, after all other middleware was added."""
        if not tracing.is_on():
            self._front = layers(super().__call__, settings)
        self.add_middleware(_Within, settings=settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._front is None:
            await super().__call__(scope, receive, send)
            return
        scope["app"], scope[_PASSED] = self, True
        await self._front(scope, receive, send)


class _Within:
    """The layers inside of FastAPI, for what has not passed them in front of it."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._layers = app, layers(app, settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._app if _PASSED in scope else self._layers)(scope, receive, send)


def layers(app: ASGIApp, settings: Settings) -> ASGIApp:
    """The layers around an application, of which the last one is the first to be passed."""
    app = Access(HotRuns(app, settings), settings)
    return telemetry.Telemetry(BodyTimeout(Unexpected(app), settings.body_timeout_seconds))
