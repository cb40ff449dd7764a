"""The story of a refit: load the project's history, learn from it, save what came out. A page.

The history is what is stored when the refit begins, without the runs that are still running. Learning takes seconds to
minutes and runs in a thread; meanwhile heartbeats keep the lease. Everything is saved in one transaction, and only if
the refit is still ours: a worker that was frozen past its lease publishes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from typing import Any, Protocol, TypeVar

from app.config import Settings
from app.errors import CorruptBundle, ForerunError, Unavailable
from app.featurise.segment import run_table
from app.flows.fold import fold, read
from app.learn.bundle import FORMAT_VERSION
from app.learn.train import Progress, Trained
from app.learn.train import train as train_meta_learner
from app.store import audit, meta_learners, projects, refits
from app.store.database import Database
from app.store.refits import Attempt, LeaseLost
from app.tracing import span
from app.types import RunTable

log = logging.getLogger(__name__)
T = TypeVar("T")


class Train(Protocol):
    """`app.learn.train.train`, or what stands in for it in a test."""

    def __call__(
        self, table: RunTable, *, seed: int, threads: int, previous: bytes | None, progress: Progress
    ) -> Trained: ...


async def refit(database: Database, attempt: Attempt, settings: Settings, train: Train = train_meta_learner) -> None:
    """Run a refit that was started, to its end; what goes wrong in learning becomes the refit's error.

    Raises: Unavailable when the database is lost. Then, and when it is cancelled, the refit is for its caller to give
    back; failing that its lease runs out.
    """
    stage: dict[str, Any] = {"stage": "loading"}
    learning = asyncio.create_task(_learn(database, attempt, settings, train, stage))
    beating = asyncio.create_task(_keep_lease(database, attempt, settings.refit_heartbeat_seconds, stage))
    try:
        done, _ = await asyncio.wait((learning, beating), return_when=asyncio.FIRST_COMPLETED)
        await done.pop()
    except LeaseLost:
        log.warning("refit %s was given to somebody else while this worker was silent", attempt.refit_id)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001  # whatever learning raises, the refit tells
        await _fail(database, attempt, error)
    finally:
        learning.cancel()
        beating.cancel()
        await asyncio.wait((learning, beating))


async def _learn(database: Database, attempt: Attempt, settings: Settings, train: Train, stage: dict[str, Any]) -> None:
    with span("refit load"):
        await fold(database, attempt.project_id)
        history = await read(database, attempt.project_id, settings.segment_cache / str(attempt.project_id))
        table, champion = run_table(history.runs, history.meta_features), await _champion(database, attempt.project_id)
    stage.update(stage="learning", n_runs=len(table))
    threads = settings.refit_threads or os.cpu_count() or 1
    fit = partial(
        train,
        seed=settings.refit_seed,
        threads=threads,
        progress=lambda what, share: stage.update(learning=what, done=round(share, 3)),
    )
    with span("refit learn", runs=len(table)):
        trained = await _in_thread(partial(_fit, table, champion, fit))
    with span("refit save"):
        await _save(database, attempt, trained)


async def _champion(database: Database, project_id: int) -> bytes | None:
    async with database.snapshot() as connection:
        project = await projects.get_by_id(connection, project_id)
        if project.champion_id is not None:
            with suppress(CorruptBundle):
                return await meta_learners.load(connection, project.champion_id)
    return None


def _fit(table: RunTable, champion: bytes | None, fit: Callable[..., Trained]) -> Trained:
    try:
        return fit(table, previous=champion)
    except CorruptBundle:  # the champion's format is another version's: the challenger has no rival
        return fit(table, previous=None)


async def _save(database: Database, attempt: Attempt, trained: Trained) -> None:
    verdict = asdict(trained.verdict)
    async with database.transaction() as connection:
        meta_learner_id = await meta_learners.insert_next(
            connection,
            attempt.project_id,
            trained.content,
            n_runs=trained.n_runs,
            n_datasets=trained.n_datasets,
            format_version=FORMAT_VERSION,
            report=trained.report,
            verdict=verdict,
        )
        if trained.verdict.promoted:
            await meta_learners.promote(connection, meta_learner_id, who=audit.WORKER)
        await refits.succeed(connection, attempt, meta_learner_id, verdict)  # raises, and all is undone, if not ours


async def _fail(database: Database, attempt: Attempt, error: Exception) -> None:
    if isinstance(error, ForerunError):
        told = error.detail
    else:
        log.error("refit %s failed", attempt.refit_id, exc_info=error)
        told = f"{type(error).__name__}: {error}"
    with suppress(LeaseLost):
        async with database.transaction() as connection:
            await refits.fail(connection, attempt, told[:2000].replace("\0", ""))


async def _keep_lease(database: Database, attempt: Attempt, seconds: float, stage: dict[str, Any]) -> None:
    """Show life and progress until cancelled. Raises: LeaseLost."""
    while True:
        try:
            async with database.transaction() as connection:
                await refits.report_progress(connection, attempt, dict(stage))
        except Unavailable:
            log.warning("no heartbeat of refit %s: the database cannot be reached", attempt.refit_id)
        await asyncio.sleep(seconds)


async def _in_thread(function: Callable[[], T]) -> T:
    """Like `asyncio.to_thread`, but once cancelled nobody waits for the thread, which cannot be interrupted."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="refit")
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, function)
    finally:
        pool.shutdown(wait=False)
