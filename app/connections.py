"""How the server treats its connections: uvicorn's own protocol, and less patience with those that send nothing.

What is refused here never becomes a request, so that no other layer sees it; the answer is a problem all the same.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

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
    in_head = False
    field_bytes = 0
    """Of the head's fields that are whole."""
    read_bytes = 0
    """Of all that was read while the head was not: a field that never ends is kept by the parser."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # a narrower argument, as uvicorn's own
        super().connection_made(Joining(transport, self.loop))  # type: ignore[arg-type]  # it has all that is used
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.in_head and not self.transport.is_closing():
            self.read_bytes += len(data)
            if self.read_bytes > MAX_HEAD_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.in_head, self.field_bytes, self.read_bytes = True, 0, 0

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + len(b": \r\n"))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self.in_head = False
        self._head_is_here()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing() and self.cycle.response_complete:  # else a pipelined request runs already
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        super().connection_lost(exc)

    def _count(self, n_bytes: int) -> None:
        """Raises: ValueError, which the parser takes for a malformed request."""
        self.field_bytes += n_bytes
        if self.field_bytes > MAX_HEAD_BYTES:
            raise ValueError("the head is too large")

    def send_400_response(self, msg: str) -> None:
        too_large = self.in_head and self.field_bytes > MAX_HEAD_BYTES
        self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if too_large else HTTPStatus.BAD_REQUEST)

    def _refuse(self, status: HTTPStatus) -> None:
        answer = problems.refusal(status, _DETAILS[status])
        lines = [b"%s: %s\r\n" % header for header in answer.raw_headers]
        start = f"HTTP/1.1 {status} {status.phrase}\r\n".encode()
        self.transport.write(b"".join([start, *lines, b"\r\n", bytes(answer.body)]))
        self.transport.close()

    def _expect_head(self) -> None:
        self._head_is_here()
        self.deadline = self.loop.call_later(self.timeout_keep_alive, self._close)

    def _head_is_here(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    def _close(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


_DETAILS: Final = {
    HTTPStatus.BAD_REQUEST: "what was received is not an HTTP request",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: f"the address and the headers have more than {MAX_HEAD_BYTES:,} bytes",
}
