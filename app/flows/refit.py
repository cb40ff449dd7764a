"""The story of a refit: load the project's history, learn from it, save what came out. A page.

The history is what is stored when the refit begins, without the runs that are still running. A full refit learns from
all of it; an incremental one, where the champion allows it, only from what is new, and learns on from there. Learning
runs in a thread; meanwhile heartbeats keep the lease. Everything is saved in one transaction, and only if the refit is
still ours: a worker that was frozen past its lease publishes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

from app.config import Settings
from app.errors import CorruptBundle, ForerunError, Unavailable
from app.featurise.segment import run_table
from app.flows.fold import fold, read, read_new
from app.flows.members import shared
from app.learn.bundle import FORMAT_VERSION
from app.learn.increment import learn_on as learn_on_from_champion
from app.learn.train import Progress, Trained
from app.learn.train import train as train_meta_learner
from app.store import audit, continuations, meta_learners, projects, refits
from app.store.continuations import Continuation
from app.store.database import AsyncConnection, Database
from app.store.refits import Attempt, Kind, LeaseLost
from app.tracing import span
from app.types import RunTable

log = logging.getLogger(__name__)
T = TypeVar("T")

MAX_INCREMENTS: Final = 10
"""Increments between full refits, at most: each makes the trees by a twelfth more."""


class Train(Protocol):
    """`app.learn.train.train`, or what stands in for it in a test."""

    def __call__(
        self, table: RunTable, *, seed: int, threads: int, previous: bytes | None, progress: Progress
    ) -> Trained: ...


class LearnOn(Protocol):
    """`app.learn.increment.learn_on`, or what stands in for it in a test."""

    def __call__(
        self, previous: bytes, state: bytes, table: RunTable, *, seed: int, threads: int, progress: Progress
    ) -> Trained: ...


@dataclass(frozen=True, slots=True)
class Learner:
    """The two ways to learn."""

    train: Train
    learn_on: LearnOn


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be learned, and how: `learn` is given seed, threads and progress."""

    learn: Callable[..., Trained]
    snapshot: str
    n_runs: int
    before: Continuation | None = None  # of an increment: what it learns on from


async def refit(
    database: Database,
    attempt: Attempt,
    settings: Settings,
    train: Train = train_meta_learner,
    learn_on: LearnOn = learn_on_from_champion,
) -> None:
    """Run a refit that was started, to its end; what goes wrong in learning becomes the refit's error.

    Raises: Unavailable when the database is lost. Then, and when it is cancelled, the refit is for its caller to give
    back; failing that its lease runs out.
    """
    stage: dict[str, Any] = {"stage": "loading"}
    learning = asyncio.create_task(_learn(database, attempt, settings, Learner(train, learn_on), stage))
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


async def _learn(
    database: Database, attempt: Attempt, settings: Settings, learner: Learner, stage: dict[str, Any]
) -> None:
    with span("refit load"):
        task = await _increment(database, attempt, settings, learner) or await _full(
            database, attempt, settings, learner
        )
    stage.update(stage="learning", n_runs=task.n_runs)
    learn = partial(
        task.learn,
        seed=settings.refit_seed,
        threads=settings.refit_threads or os.cpu_count() or 1,
        progress=lambda what, share: stage.update(learning=what, done=round(share, 3)),
    )
    with span("refit learn", runs=task.n_runs):
        trained = await _in_thread(learn)
    with span("refit save"):
        await _save(database, attempt, task, trained)


async def _increment(database: Database, attempt: Attempt, settings: Settings, learner: Learner) -> Task | None:
    """None where everything is to be learned anew: on request, after enough increments, or where there is no way on."""
    async with database.snapshot() as connection:
        refit = await refits.get(connection, attempt.refit_id)
        before = await continuations.of_champion(connection, attempt.project_id)
        if refit.trigger == "request" or before is None or not may_continue(before, refit.n_runs or 0, settings):
            return None
        state = await continuations.content(connection, before.meta_learner_id)
    champion = await _champion(database, attempt.project_id)
    new = await read_new(database, attempt.project_id, before.snapshot)
    if not len(new.runs) or state is None or champion is None:
        return None
    table = run_table(new.runs, new.meta_features)
    await _describe(database, attempt, "incremental", before.n_runs + len(table), len(table))
    return Task(partial(learner.learn_on, champion, state, table), new.snapshot, len(table), before)


def may_continue(before: Continuation, n_runs: int, settings: Settings) -> bool:
    """Whether the champion may learn on: trees grow with each increment, and inputs stay what they were."""
    grown = abs(n_runs - before.n_runs_at_full) >= settings.refit_min_new_fraction * before.n_runs_at_full
    return settings.refit_increment_fraction < 1 and before.n_increments < MAX_INCREMENTS and not grown


async def _full(database: Database, attempt: Attempt, settings: Settings, learner: Learner) -> Task:
    await fold(database, attempt.project_id)
    history = await read(database, attempt.project_id, settings.segment_cache / str(attempt.project_id))
    table, champion = run_table(history.runs, history.meta_features), await _champion(database, attempt.project_id)
    await _describe(database, attempt, "full", len(table), len(table))
    train = learner.train
    if train is train_meta_learner:
        train = partial(train, pool_of=shared(database, attempt, settings, asyncio.get_running_loop()))
    return Task(partial(_fit, table, champion, train), history.snapshot, len(table))


async def _describe(database: Database, attempt: Attempt, kind: Kind, n_runs: int, n_new_runs: int) -> None:
    async with database.transaction() as connection:
        await refits.describe(connection, attempt, kind, n_runs, n_new_runs)


async def _champion(database: Database, project_id: int) -> bytes | None:
    async with database.snapshot() as connection:
        project = await projects.get_by_id(connection, project_id)
        if project.champion_id is not None:
            with suppress(CorruptBundle):
                return await meta_learners.load(connection, project.champion_id)
    return None


def _fit(table: RunTable, champion: bytes | None, fit: Train, **how: Any) -> Trained:
    try:
        return fit(table, previous=champion, **how)
    except CorruptBundle:  # the champion's format is another version's: the challenger has no rival
        return fit(table, previous=None, **how)


async def _save(database: Database, attempt: Attempt, task: Task, trained: Trained) -> None:
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
        await _keep_state(connection, attempt, task, trained, meta_learner_id)
        await refits.succeed(connection, attempt, meta_learner_id, verdict)  # raises, and all is undone, if not ours


async def _keep_state(
    connection: AsyncConnection, attempt: Attempt, task: Task, trained: Trained, meta_learner_id: UUID
) -> None:
    at_full, n_increments = trained.n_runs, 0
    if task.before is not None:
        at_full, n_increments = task.before.n_runs_at_full, task.before.n_increments + 1
    state = Continuation(meta_learner_id, task.snapshot, trained.n_runs, at_full, n_increments)
    await continuations.put(connection, attempt.project_id, state, trained.continuation)


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
