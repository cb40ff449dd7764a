"""Clients that trickle, say nothing or never leave; and a service that is told to stop while they do."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
import uvicorn

from app.config import Settings
from app.direct import Direct
from app.main import create_app

HEAD = b"POST /v1/runs%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\nContent-Length: 1000\r\n\r\n"
PATIENCE_SECONDS = 10.0
"""Ten times what the server has, so that a busy machine fails nothing."""


@pytest.fixture
def impatient(settings: Settings) -> Iterator[socket.SocketType]:
    """A connection to a server that waits a second for a body, and as long for a request."""
    hasty = settings.model_copy(update={"body_timeout_seconds": 1.0})
    config = uvicorn.Config(
        create_app(hasty), port=0, http=Direct, timeout_keep_alive=1, log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        with socket.create_connection(listener.getsockname(), PATIENCE_SECONDS) as connection:
            yield connection
    finally:
        server.should_exit = True
        thread.join(30)


def everything(connection: socket.SocketType) -> bytes:
    """What comes until the other side closes; a drop that was still on its way then resets the connection."""
    received = b""
    with suppress(ConnectionResetError):
        while more := connection.recv(65536):
            received += more
    return received


def test_a_connection_that_says_nothing_is_closed(impatient: socket.SocketType) -> None:
    assert everything(impatient) == b""


def test_a_head_that_never_ends_is_given_up(impatient: socket.SocketType) -> None:
    stopped = trickling(impatient, b"GET /healthz HTTP/1.1\r\nX-Padding: ", b"x")
    assert everything(impatient) == b""
    stopped.set()


@pytest.mark.parametrize(("path", "media_type"), [(b"", b"application/json"), (b"/batch", b"application/x-ndjson")])
def test_a_body_that_trickles_is_408_and_the_connection_is_closed(
    impatient: socket.SocketType, path: bytes, media_type: bytes
) -> None:
    stopped = trickling(impatient, HEAD % (path, media_type), b" ")
    head, _, body = everything(impatient).partition(b"\r\n\r\n")
    stopped.set()
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in head
    assert json.loads(body)["code"] == "request_timeout"


def trickling(connection: socket.SocketType, first: bytes, drop: bytes) -> threading.Event:
    """Send a drop ten times a second, for as long as the other side takes it."""
    stopped = threading.Event()

    def trickle() -> None:
        try:
            connection.sendall(first)
            while not stopped.wait(0.1):
                connection.sendall(drop)
        except OSError:
            pass  # which is the point

    threading.Thread(target=trickle, daemon=True).start()
    return stopped


def test_an_answered_connection_may_be_used_again_and_is_closed_when_it_is_not(impatient: socket.SocketType) -> None:
    for _ in range(2):
        impatient.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert impatient.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert everything(impatient) == b""
