"""How the server treats its connections: uvicorn's own protocol, and less patience with those that send nothing.

What is refused here never becomes a request, so that no other layer sees it; the answer is a problem all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.api import problems

MAX_HEAD_BYTES: Final = 64 * 1024
"""Of a request's address and headers together; uvicorn and its parser know no limit."""


class Joining:
    """A transport that sends what is written in one turn of the loop together: an answer's head with its body.

    Each costs a call to the system, and wakes the client.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._written: list[bytes] = []
        self.get_extra_info, self.set_protocol = transport.get_extra_info, transport.set_protocol
        self.is_closing = transport.is_closing
        self.pause_reading, self.resume_reading = transport.pause_reading, transport.resume_reading

    def write(self, data: bytes) -> None:
        self._written.append(data)
        if len(self._written) == 1:
            self._loop.call_soon(self._send)

    def send(self, data: bytes) -> None:
        """Write it now, after what was written before."""
        self._written.append(data)
        self._send()

    def close(self) -> None:
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._written:
            self._transport.write(b"".join(self._written))
            self._written.clear()


class Impatient(HttpToolsProtocol):
    """Closes a connection that has not sent a whole request's head `timeout_keep_alive` seconds after it could.

    uvicorn counts only from the end of an answer to the next byte: a connection that never says anything, or says its
    headers byte by byte, would stay for ever.
    """

    deadline: asyncio.TimerHandle | None = None
    silent_since: float | None = None
    """When the head of a request could have come; None: it is here."""
    in_head = False
    read_bytes = 0
    """What was read while the head was not all here: the parser keeps a field that never ends."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # a narrower argument, as uvicorn's own
        joining = Joining(transport, self.loop)
        self.send = joining.send
        super().connection_made(joining)  # type: ignore[arg-type]  # it has all that is used
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.in_head and not self.transport.is_closing():
            self.read_bytes += len(data)
            if self.read_bytes > MAX_HEAD_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.in_head, self.read_bytes = True, 0

    def on_headers_complete(self) -> None:
        self.end_head()
        super().on_headers_complete()

    def end_head(self) -> None:
        """The head is here. Raises: ValueError where it is too large, which the parser takes for malformed."""
        if self._is_large():
            raise ValueError("the head is too large")
        self.in_head, self.silent_since = False, None

    def _is_large(self) -> bool:
        fields = [len(name) + len(value) + len(b": \r\n") for name, value in self.headers]
        return len(self.url) + sum(fields) > MAX_HEAD_BYTES

    def on_response_complete(self) -> None:
        """As uvicorn has it, but for the time to the next head: one alarm for all requests, not one for each."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        is_large = self.in_head and self._is_large()
        self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if is_large else HTTPStatus.BAD_REQUEST)

    def _refuse(self, status: HTTPStatus) -> None:
        answer = problems.refusal(status, _DETAILS[status])
        self.transport.write(STATUS_LINE[status] + lines(answer.raw_headers) + b"\r\n" + bytes(answer.body))
        self.transport.close()

    def _expect_head(self) -> None:
        self.silent_since = self.loop.time()
        if self.deadline is None:
            self.deadline = self.loop.call_later(self.timeout_keep_alive, self._close_if_silent)

    def _close_if_silent(self) -> None:
        """Close it, or look again when it could have been silent for too long; after a request that is under way."""
        self.deadline = None
        if self.silent_since is None or self.transport.is_closing():
            return
        due = self.silent_since + self.timeout_keep_alive
        if due <= self.loop.time():
            self.transport.close()
        else:
            self.deadline = self.loop.call_at(due, self._close_if_silent)


def lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Headers as they are sent."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


_DETAILS: Final = {
    HTTPStatus.BAD_REQUEST: "what was received is not an HTTP request",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: f"the address and the headers have more than {MAX_HEAD_BYTES:,} bytes",
}
