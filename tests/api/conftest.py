"""The application of `create_app`, in this process or served by uvicorn, over the test's own database."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from app.config import Settings
from app.direct import Direct
from app.main import create_app


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


@pytest.fixture
def service(settings: Settings) -> Iterator[str]:
    """The URL of a real server."""
    with served(create_app(settings)) as url:
        yield url


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The application behind uvicorn on a free port, in a thread of its own."""
    server = _Server(uvicorn.Config(app, host="127.0.0.1", port=0, http=Direct, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.listening.wait(120), "the server did not start"
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(120)
    assert not thread.is_alive(), "the server did not stop"


class _Server(uvicorn.Server):
    """Says when it listens, so that nobody has to poll for it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()
