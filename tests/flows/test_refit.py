from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.config import Settings
from app.errors import NothingToLearn
from app.flows.refit import refit
from app.learn.train import Trained
from app.store import meta_learners, projects, refits, upsert
from app.store.database import Database
from app.store.refits import Attempt, Refit
from app.types import Run, RunTable, Verdict

PROJECT = "p"


def a_run(number: int, **changes: Any) -> Run:
    known = {"hyperparameters": {"lr": 0.1 * number}, "metrics": {"accuracy": 0.5}, "state": "completed"}
    return Run(project=PROJECT, run_id=f"r{number}", dataset=f"d{number % 3}", **{**known, **changes})


class Learner:
    """Stands in for learning: remembers what it was given, and answers as it is told."""

    def __init__(self, promoted: bool = True, during: Callable[[], None] = lambda: None) -> None:
        self.verdict = Verdict(promoted, "said so", {"regret": 0.1})
        self.during = during
        self.tables: list[RunTable] = []
        self.previous: list[bytes | None] = []

    def __call__(
        self,
        table: RunTable,
        *,
        seed: int,
        threads: int,
        previous: bytes | None,
        progress: Callable[[str, float], None],
    ) -> Trained:
        self.tables.append(table)
        self.previous.append(previous)
        progress("accuracy", 0.5)
        self.during()
        content = f"bundle {len(self.tables)} of {len(table)}".encode()
        return Trained(content, {"n_runs": len(table)}, self.verdict, len(table), len(table.datasets))


@pytest.fixture
async def project_id(database: Database) -> int:
    async with database.transaction() as connection:
        await upsert.upsert(connection, [*(a_run(n) for n in range(12)), a_run(99, state="running", metrics={})])
        return (await projects.get(connection, PROJECT)).id


async def started(database: Database, project_id: int) -> Attempt:
    async with database.transaction() as connection:
        refit_id = (await refits.request(connection, project_id, "request")).id
        attempt = await refits.start(connection, refit_id)
        assert attempt
        return attempt


async def read(database: Database, refit_id: UUID) -> Refit:
    async with database.snapshot() as connection:
        return await refits.get(connection, refit_id)


async def champion(database: Database) -> bytes | None:
    async with database.snapshot() as connection:
        serving = (await projects.get(connection, PROJECT)).champion_id
        return await meta_learners.load(connection, serving) if serving else None


async def test_what_is_learned_is_saved_promoted_and_told(
    database: Database, settings: Settings, project_id: int
) -> None:
    learner = Learner()
    attempt = await started(database, project_id)
    await refit(database, attempt, settings, learner)
    told = await read(database, attempt.refit_id)
    assert (told.state, told.n_runs, told.error, told.progress) == ("succeeded", 12, None, None)
    assert told.verdict == {"promoted": True, "reason": "said so", "figures": {"regret": 0.1}}
    [table] = learner.tables
    assert set(table.state) == {"completed"}
    assert table.datasets == ("d0", "d1", "d2")
    assert await champion(database) == b"bundle 1 of 12"
    async with database.snapshot() as connection:
        assert told.meta_learner_id
        made = await meta_learners.get(connection, told.meta_learner_id)
    assert (made.version, made.n_runs, made.n_datasets, made.champion) == (1, 12, 3, True)


async def test_a_challenger_that_does_not_win_is_kept_and_does_not_serve(
    database: Database, settings: Settings, project_id: int
) -> None:
    await refit(database, await started(database, project_id), settings, Learner())
    weak = Learner(promoted=False)
    attempt = await started(database, project_id)
    await refit(database, attempt, settings, weak)
    assert weak.previous == [b"bundle 1 of 12"]
    assert (await read(database, attempt.refit_id)).verdict == {
        "promoted": False,
        "reason": "said so",
        "figures": {"regret": 0.1},
    }
    assert await champion(database) == b"bundle 1 of 12"


async def test_a_damaged_champion_does_not_stop_the_next(
    database: Database, settings: Settings, project_id: int
) -> None:
    await refit(database, await started(database, project_id), settings, Learner())
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE meta_learners SET content = 'damaged'"))
    learner = Learner()
    attempt = await started(database, project_id)
    await refit(database, attempt, settings, learner)
    assert learner.previous == [None]
    assert (await read(database, attempt.refit_id)).state == "succeeded"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (NothingToLearn("12 runs, but no target is reported by 20 of them"), "12 runs, but no target"),
        (FloatingPointError("overflow in exp\0"), "FloatingPointError: overflow in exp"),
    ],
)
async def test_what_goes_wrong_in_learning_is_the_refits_error(
    database: Database, settings: Settings, project_id: int, error: Exception, told: str
) -> None:
    def fail() -> None:
        raise error

    attempt = await started(database, project_id)
    await refit(database, attempt, settings, Learner(during=fail))
    ended = await read(database, attempt.refit_id)
    assert ended.state == "failed"
    assert ended.error
    assert ended.error.startswith(told)
    assert await champion(database) is None


async def test_too_few_runs_fail_with_a_clear_word(database: Database, settings: Settings) -> None:
    async with database.transaction() as connection:
        await upsert.upsert(connection, [a_run(1)])
        project_id = (await projects.get(connection, PROJECT)).id
    attempt = await started(database, project_id)
    await refit(database, attempt, settings)
    ended = await read(database, attempt.refit_id)
    assert ended.state == "failed"
    assert "1 runs" in str(ended.error)


async def test_a_zombie_publishes_nothing(database: Database, settings: Settings, project_id: int) -> None:
    """The lease is lost while it learns; another attempt starts; what the first one made is dropped."""
    learning, free = threading.Event(), threading.Event()

    def hang() -> None:
        learning.set()
        free.wait(120)

    attempt = await started(database, project_id)
    quiet = settings.model_copy(update={"refit_heartbeat_seconds": 3600.0})
    zombie = asyncio.create_task(refit(database, attempt, quiet, Learner(during=hang)))
    await asyncio.to_thread(learning.wait, 30)
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE refits SET heartbeat_at = now() - interval '1 hour'"))
        assert [taken.state for taken in await refits.recover(connection, 20, 5)] == ["queued"]
        successor = await refits.start(connection, attempt.refit_id)
    assert successor
    free.set()
    await zombie
    assert await champion(database) is None
    assert (await read(database, attempt.refit_id)).state == "running"
    await refit(database, successor, settings, Learner())
    assert (await read(database, attempt.refit_id)).attempts == 2
    assert await champion(database) == b"bundle 1 of 12"


async def test_heartbeats_keep_the_lease_tell_the_progress_and_notice_a_loss(
    database: Database, settings: Settings, project_id: int
) -> None:
    free = threading.Event()
    attempt = await started(database, project_id)
    lively = settings.model_copy(update={"refit_heartbeat_seconds": 0.02})
    running = asyncio.create_task(refit(database, attempt, lively, Learner(during=lambda: free.wait(120) and None)))
    first = await read(database, attempt.refit_id)
    async with asyncio.timeout(120):
        while "done" not in ((seen := await read(database, attempt.refit_id)).progress or ()):  # noqa: ASYNC110  # nothing tells
            await asyncio.sleep(0.01)
    assert seen.progress == {"stage": "learning", "n_runs": 12, "learning": "accuracy", "done": 0.5}
    assert seen.heartbeat_at
    assert first.heartbeat_at
    assert seen.heartbeat_at > first.heartbeat_at
    async with database.transaction() as connection:
        await refits.give_back(connection, attempt, 5)
    await running  # although the thread still learns
    free.set()
    assert (await read(database, attempt.refit_id)).state == "queued"
