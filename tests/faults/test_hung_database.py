"""A database that is there and says nothing (SIGSTOP), and one that is gone: bounded answers, and no restart after."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from sqlalchemy import text

from app.config import Settings
from app.errors import Unavailable
from app.learn.train import train
from app.main import create_app
from app.store.database import connect
from app.store.embedded import embedded_postgres
from app.store.migrate import migrate
from tests.flows.test_recommend import serve
from tests.histories import SPACE, history, meta_features, table

BOUND_SECONDS = 2 + 2 + 1 + 4.5
"""The timeouts of the pool and of a connection, a second, and what a busy machine may take for itself; less than the
10 s and one that a statement has."""
RUN = {"project": "p", "run_id": "r", "dataset": "d", "state": "completed", "metrics": {"accuracy": 0.5}}
QUESTION = {
    "project": "p",
    "dataset": {"name": "data-5", "meta_features": meta_features(5)},
    "objectives": [{"metric": "accuracy", "direction": "maximize"}],
    "search_space": SPACE,
}


class Server:
    """A PostgreSQL of the test's own, to be frozen and to be thawed."""

    def __init__(self, url: str, postmaster: int) -> None:
        self.url = url
        self.postmaster = psutil.Process(postmaster)

    def freeze(self) -> None:
        for process in (self.postmaster, *self.postmaster.children()):
            process.suspend()

    def thaw(self) -> None:
        for process in (self.postmaster, *self.postmaster.children()):
            process.resume()


@pytest.fixture
def server() -> Iterator[Server]:
    data_dir = Path(tempfile.mkdtemp(prefix="forerun-test-"))
    data_dir.chmod(0o711)  # the database's own user has to pass
    with embedded_postgres(data_dir) as url:
        pid = (data_dir / "postgres" / "data" / "postmaster.pid").read_text().split("\n", 1)[0]
        server = Server(url, int(pid))
        try:
            yield server
        finally:
            server.thaw()
    shutil.rmtree(data_dir, ignore_errors=True)


async def test_a_server_that_hangs_is_unavailable_and_used_again_afterwards(server: Server) -> None:
    database = connect(server.url, pool_size=2, statement_timeout_seconds=1.0)

    async def ask() -> None:
        async with database.transaction() as connection:
            await connection.execute(text("SELECT 1"))

    async def hang_inside() -> None:
        async with database.transaction() as connection:
            server.freeze()
            await connection.execute(text("SELECT 1"))

    await ask()
    for hanging in (hang_inside, ask):
        started = time.monotonic()
        with pytest.raises(Unavailable):
            await hanging()
        assert time.monotonic() - started < BOUND_SECONDS
    server.thaw()
    await ask()
    await database.close()


@asynccontextmanager
async def application(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60) as client:
            yield client


async def timed(client: httpx.AsyncClient, method: str, path: str, body: Any = None) -> httpx.Response:
    started = time.monotonic()
    answer = await client.request(method, path, json=body)
    assert time.monotonic() - started < BOUND_SECONDS, (path, time.monotonic() - started)
    return answer


async def test_a_hung_database_is_told_in_time_and_recommendations_go_on(server: Server, tmp_path: Path) -> None:
    migrate(server.url)
    database = connect(server.url)
    await serve(database, train(table(history(range(4), 12)), seed=0, threads=1))
    await database.close()
    settings = Settings(database_url=server.url, data_dir=tmp_path, worker=False)
    async with application(settings) as client:
        usual = (await client.post("/v1/recommend", json=QUESTION)).json()
        assert (await client.post("/v1/runs", json=RUN)).status_code == 201
        server.freeze()
        assert (await timed(client, "GET", "/healthz")).status_code == 200
        ready, single, batch, answer, unknown = await asyncio.gather(
            timed(client, "GET", "/readyz"),
            timed(client, "POST", "/v1/runs", RUN),
            timed(client, "POST", "/v1/runs/batch", {"runs": [RUN]}),
            timed(client, "POST", "/v1/recommend", QUESTION),
            timed(client, "POST", "/v1/recommend", {**QUESTION, "project": "never-seen"}),
        )
        assert (ready.status_code, ready.json()["status"]) == (503, "not_ready")
        assert ready.json()["checks"]["database"] != "ok"
        for refused in (single, batch, unknown):
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
            assert int(refused.headers["retry-after"]) >= 1
        offline = answer.json()
        assert (answer.status_code, offline["recommendation_id"]) == (200, None)
        assert offline["configurations"] == usual["configurations"]
        assert offline["meta_learner"] == usual["meta_learner"]
        assert len([told for told in offline["warnings"] if "database" in told]) == 2

        server.thaw()
        assert (await timed(client, "POST", "/v1/runs", RUN)).status_code == 200
        assert (await timed(client, "GET", "/readyz")).status_code == 200
        assert (await client.post("/v1/recommend", json=QUESTION)).json()["recommendation_id"]
