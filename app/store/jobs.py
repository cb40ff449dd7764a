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
CONSIDER_REFIT = "consider_refit"

COMMIT_SECONDS = 0.5
"""How long after `ring_for_runs` a transaction may take to commit and still be seen by the job it relied on."""

_WAITING = "EXISTS (SELECT FROM procrastinate_jobs WHERE queueing_lock = {} AND status = 'todo')"
_WINDOW = f"""
    SELECT bell, scheduled_at, {_WAITING.format("bell")} AS waiting
    FROM (
        SELECT :name || ':' || :project_id || ':' || number AS bell,
               to_timestamp((number + 1) * :seconds + :margin) AS scheduled_at
        FROM (SELECT floor(extract(epoch FROM clock_timestamp()) / :seconds)::bigint AS number)
    ) AS due
"""  # noqa: S608  # put together from constants
_DEFERRER = App(connector=PsycopgConnector())  # never opened: it only writes through connections that it is given


def queue_app(url: str) -> App:
    """The queue in the database at `url`; to be opened by whoever runs a worker."""
    return App(connector=PsycopgConnector(conninfo=libpq_url(url), min_size=1, max_size=5, timeout=5))


async def ring_for_refit(connection: AsyncConnection, refit_id: UUID) -> None:
    """Have a worker start a refit as soon as this transaction commits (LISTEN/NOTIFY: some 10 ms)."""
    lock = f"{RUN_REFIT}:{refit_id}"
    if not await connection.scalar(text("SELECT " + _WAITING.format(":lock")), {"lock": lock}):
        await _defer(connection, REFITS, RUN_REFIT, {"refit_id": str(refit_id)}, lock)


async def ring_for_runs(connection: AsyncConnection, project_ids: Iterable[int], delay_seconds: float) -> None:
    """Have refits of these projects considered when the current window of `delay_seconds` has ended.

    To be called last in a transaction that wrote runs. There is one job for each project and window: nobody relies on a
    job that may already be running, and transactions in one window do not wait for each other once one has committed.
    """
    for project_id in sorted(set(project_ids)):
        window = {"name": CONSIDER_REFIT, "project_id": str(project_id)}
        times = {"seconds": max(delay_seconds, 0.1), "margin": COMMIT_SECONDS}
        row = (await connection.execute(text(_WINDOW), window | times)).one()
        if not row.waiting:
            arguments = {"project_id": project_id}
            await _defer(connection, UPKEEP, CONSIDER_REFIT, arguments, row.bell, row.scheduled_at)


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
) -> None:
    driver = (await connection.get_raw_connection()).driver_connection
    job = _DEFERRER.configure_task(
        task, queue=queue, queueing_lock=queueing_lock, schedule_at=schedule_at, connection=driver
    )
    with suppress(AlreadyEnqueued):  # somebody else rang in the same moment
        async with connection.begin_nested():
            await job.defer_async(**arguments)
