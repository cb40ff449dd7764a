"""The API as an ASGI application: what is opened when it starts, which doors it has, what closes when it stops."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Event

from fastapi import Depends, FastAPI

from app import __version__
from app.api import (
    datasets,
    health,
    keys,
    meta_learners,
    openapi,
    outcomes,
    overview,
    problems,
    projects,
    recommend,
    recommendations,
    refits,
    runs,
    swift_runs,
)
from app.api.dependencies import Gate, known_query_only
from app.api.layers import Layered
from app.config import Settings
from app.flows.access import Keyring
from app.flows.amendments import Amendments
from app.flows.champions import follow
from app.flows.intake import Intake
from app.flows.recommend import Bundles, warm_up
from app.store.database import ROUND_TRIP_SECONDS, connect
from app.web import docs, pages

RECOMMEND_QUEUE = 32
"""Recommendations that wait for a free core; more are refused, since they would only make all of them late."""
BUNDLE_CACHE = 8
"""Champions kept in memory, one a project."""


def create_app(settings: Settings) -> FastAPI:
    """The application; it opens nothing before its lifespan starts."""
    app = Layered(
        title="forerun",
        version=__version__,
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"metrics": False, "logs": False},  # spans are FastAPI's, metrics and logs our own
    )
    app.state.settings = settings
    answering = (recommend, recommendations, outcomes, runs, datasets, overview, projects, refits, meta_learners, keys)
    for resource in answering:
        app.include_router(resource.router, dependencies=[Depends(known_query_only)])
    app.include_router(health.router)
    app.include_router(docs.router)
    app.include_router(pages.router)
    problems.install(app)
    openapi.install(app)
    app.install_layers(settings)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open what the endpoints share; close it when the last request is answered."""
    settings: Settings = app.state.settings
    if settings.database_url is None:
        raise RuntimeError("create_app needs a database_url; `forerun serve` provides the embedded database's")
    app.state.database = connect(
        settings.database_url,
        replica_url=settings.database_replica_url,
        replica_wait_seconds=settings.replica_wait_seconds,
        pooled=settings.database_pooled,
        pool_size=settings.pool_size,
        pool_timeout_seconds=settings.pool_timeout_seconds,
        connect_timeout_seconds=settings.connect_timeout_seconds,
        statement_timeout_seconds=settings.statement_timeout_seconds,
        lock_timeout_seconds=settings.lock_timeout_seconds,
    )
    app.state.keyring = Keyring(app.state.database)
    threads = settings.threads or os.cpu_count() or 1
    app.state.bundles = Bundles(BUNDLE_CACHE, threads)
    app.state.recommend_gate = Gate(threads, RECOMMEND_QUEUE)
    try:
        patience = settings.pool_timeout_seconds + settings.connect_timeout_seconds + ROUND_TRIP_SECONDS
        intake = Intake(app.state.database, settings.refit_delay_seconds, patience, swift_runs.read_all)
        async with intake as app.state.intake, Amendments(app.state.database, intake.bells) as app.state.amendments:
            stopping = Event()
            warming = asyncio.create_task(asyncio.to_thread(warm_up, stopping)) if settings.warm_up else None
            following = asyncio.create_task(follow(app.state.database, app.state.bundles, settings.listen_url))
            gc.freeze()  # what was imported stays for good: collections need not walk it while a large body is read
            gc.set_threshold(10_000, 20, 20)  # nor come with every few runs: reading them makes no cycles
            yield
            stopping.set()
            following.cancel()
            if warming is not None:
                await warming
    finally:
        await app.state.keyring.close()
        await app.state.database.close()
