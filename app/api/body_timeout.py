"""An ASGI layer that gives up on bodies which trickle in: each holds memory, and a place, for as long as it lasts."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import RequestTimeout

BYTES_FOR_A_SECOND: Final = 16 * 1024
"""Bytes received that buy one more second: a stream of any length may take its time, but not stand still."""

_LATE: Final = "the body is late"


class BodyTimeout:
    """Raises RequestTimeout in whoever reads the body; time spent on what was received does not count."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        left, more = self.seconds, scope["type"] == "http"

        async def receive_in_time() -> Message:
            nonlocal left, more
            if not more:  # the whole body is here: what is waited for now is that the client leaves
                return await receive()
            started = loop.time()
            alarm = loop.call_later(left, task.cancel, _LATE)  # a third of what asyncio.timeout takes
            try:
                message = await receive()
            except asyncio.CancelledError as error:
                if error.args != (_LATE,) or task.uncancel():  # somebody else wants it to end
                    raise
                raise RequestTimeout(f"waited {self.seconds:g} s for the body, and not enough of it came") from None
            finally:
                alarm.cancel()
            left += len(message.get("body", b"")) / BYTES_FOR_A_SECOND - (loop.time() - started)
            more = message.get("more_body", False)
            return message

        await self.app(scope, receive_in_time, send)
