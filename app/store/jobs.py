"""The queue, procrastinate's, on the same database: what is deferred in a transaction exists if and only if it commits.

A job here is a bell, not a fact. It may ring twice, late or (when a worker is killed) never; each task looks at the
tables and does what is due. So jobs are deleted when they end, and `recover` in `flows/upkeep.py` rings again for
whatever still waits.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Status
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.store.database import libpq_url

REFITS = "refits"
UPKEEP = "upkeep"
"""Two queues, so that small work never waits behind a refit."""
RUN_REFIT = "run_refit"
HELP_REFIT = "help_refit"
CONSIDER_REFIT = "consider_refit"

_WAITING = "EXISTS (SELECT FROM procrastinate_jobs WHERE queueing_lock = {} AND status = 'todo')"
_LOCK_OF = "hashtextextended('forerun runs of ' || id, 0)"
_RELY = text(f"SELECT pg_advisory_xact_lock_shared({_LOCK_OF}) FROM unnest(CAST(:ids AS bigint[])) AS id")  # noqa: S608  # from constants
_SILENT = text(f"""
    SELECT id, bell, now() + make_interval(secs => CAST(:seconds AS double precision)) AS scheduled_at
    FROM unnest(CAST(:ids AS bigint[])) AS id, concat(CAST(:name AS text), ':', id) AS bell
    WHERE NOT {_WAITING.format("bell")} ORDER BY id
""")  # noqa: S608  # put together from constants
_AWAIT = text(f"SELECT pg_advisory_xact_lock({_LOCK_OF}) FROM (SELECT CAST(:id AS bigint) AS id) AS one")  # noqa: S608  # from constants
_DEFERRER = App(connector=PsycopgConnector())  # never opened: it only writes through connections that it is given


def queue_app(url: str, *, pooled: bool = False) -> App:
    """The queue in the database at `url`; to be opened by whoever runs a worker. `pooled`: as for `connect`."""
    options = {"prepare_threshold": None} if pooled else {}
    pool: dict[str, Any] = {"conninfo": libpq_url(url), "min_size": 1, "max_size": 5, "timeout": 5, "kwargs": options}
    return App(connector=PsycopgConnector(**pool))


async def ring_for_refit(connection: AsyncConnection, refit_id: UUID) -> None:
    """Have a worker start a refit as soon as this transaction commits (LISTEN/NOTIFY: some 10 ms)."""
    lock = f"{RUN_REFIT}:{refit_id}"
    if not await connection.scalar(text("SELECT " + _WAITING.format(":lock")), {"lock": lock}):
        await _defer(connection, REFITS, RUN_REFIT, {"refit_id": str(refit_id)}, lock)


async def ring_for_help(connection: AsyncConnection, refit_id: UUID, helpers: int) -> None:
    """Have up to so many workers that are free help with a refit; refits of their own go first."""
    for number in range(helpers):
        lock = f"{HELP_REFIT}:{refit_id}:{number}"
        if not await connection.scalar(text("SELECT " + _WAITING.format(":lock")), {"lock": lock}):
            await _defer(connection, REFITS, HELP_REFIT, {"refit_id": str(refit_id)}, lock, priority=-1)


async def ring_for_runs(connection: AsyncConnection, project_ids: Iterable[int], delay_seconds: float) -> None:
    """Have refits of these projects considered in `delay_seconds`, or when that was asked for before.

    To be called last in a transaction that wrote runs. Many transactions rely on one waiting job, and say so by a lock
    which they share until they have committed: `runs_are_in` waits for it, so that no job looks too early.
    """
    given = {"ids": sorted(set(project_ids))}
    if not given["ids"]:
        return
    await connection.execute(_RELY, given)
    for row in await connection.execute(_SILENT, {**given, "name": CONSIDER_REFIT, "seconds": delay_seconds}):
        scheduled_at = row.scheduled_at if delay_seconds else None  # at once: a NOTIFY, where a time waits for a poll
        await _defer(connection, UPKEEP, CONSIDER_REFIT, {"project_id": row.id}, row.bell, scheduled_at)


async def runs_are_in(connection: AsyncConnection, project_id: int) -> None:
    """Wait until everything has committed that relied on a job for this project which has begun by now.

    To be called in a transaction of its own: what comes later rings again, and should not have to wait.
    """
    await connection.execute(_AWAIT, {"id": project_id})


async def bury_stalled(app: App, seconds_since_heartbeat: float) -> int:
    """Remove the jobs of workers that died, which would otherwise count as running for ever; gives how many."""
    stalled = [
        job.id for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=seconds_since_heartbeat)
    ]
    for job_id in stalled:
        assert job_id is not None
        await app.job_manager.finish_job_by_id_async(job_id, status=Status.FAILED, delete_job=True)
    return len(stalled)


async def _defer(
    connection: AsyncConnection,
    queue: str,
    task: str,
    arguments: dict[str, Any],
    queueing_lock: str,
    schedule_at: datetime | None = None,
    priority: int = 0,
) -> None:
    driver = (await connection.get_raw_connection()).driver_connection
    job = _DEFERRER.configure_task(
        task, queue=queue, queueing_lock=queueing_lock, schedule_at=schedule_at, connection=driver, priority=priority
    )
    with suppress(AlreadyEnqueued):  # somebody else rang in the same moment
        async with connection.begin_nested():
            await job.defer_async(**arguments)
