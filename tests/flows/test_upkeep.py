from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from app.config import Settings
from app.errors import NotFound
from app.flows import upkeep
from app.store import health, projects, recommendations, refits, upsert
from app.store.database import Database
from app.types import Run


def finished(first: int, last: int) -> list[Run]:
    return [
        Run(project="p", run_id=f"r{n}", dataset="d", state="completed", metrics={"accuracy": 0.5})
        for n in range(first, last)
    ]


async def posted(database: Database, first: int, last: int) -> int:
    async with database.transaction() as connection:
        await upsert.upsert(connection, finished(first, last))
        return (await projects.get(connection, "p")).id


async def fail_running(database: Database, project_id: int) -> None:
    """As a refit of everything that is stored now."""
    async with database.transaction() as connection:
        [refit_id] = await refits.unfinished(connection, project_id)
        attempt = await refits.start(connection, refit_id)
        assert attempt
        await refits.fail(connection, attempt, "no matter")


@pytest.mark.parametrize(
    ("now", "before", "policy", "due"),
    [
        (19, None, {}, False),
        (20, None, {}, True),
        (20, None, {"min_new_runs": 500}, True),
        (119, 100, {}, False),
        (120, 100, {}, True),
        (102, 100, {"min_new_runs": 2}, False),
        (110, 100, {"min_new_runs": 2}, True),
        (110, 100, {"min_new_runs": None}, False),
        (1_099, 1_000, {}, False),
        (1_100, 1_000, {}, True),
        (900, 1_000, {}, True),
    ],
)
def test_when_a_refit_is_due(now: int, before: int | None, policy: dict[str, Any], due: bool) -> None:
    assert upkeep.is_due(now, before, policy, Settings()) is due


async def test_a_refit_is_queued_when_there_is_enough_that_is_new(database: Database, settings: Settings) -> None:
    project_id = await posted(database, 0, 19)
    assert await upkeep.consider(database, project_id, settings, "new_runs") is None
    await posted(database, 19, 20)
    assert await upkeep.consider(database, project_id, settings, "new_runs")
    await posted(database, 20, 100)
    assert await upkeep.consider(database, project_id, settings, "new_runs") is None  # one waits already
    await fail_running(database, project_id)
    await posted(database, 100, 119)
    assert await upkeep.consider(database, project_id, settings, "new_runs") is None
    await posted(database, 119, 120)
    await upkeep.consider_all(database, settings)
    async with database.snapshot() as connection:
        newest = (await refits.list_page(connection, project_id, 1))[0]
    assert (newest.state, newest.trigger) == ("queued", "periodic")


async def test_a_project_may_refuse_to_be_refitted_by_itself(database: Database, settings: Settings) -> None:
    project_id = await posted(database, 0, 50)
    async with database.transaction() as connection:
        await projects.put(connection, "p", [], {"automatic": False, "min_new_runs": None})
    await upkeep.consider_all(database, settings)
    async with database.transaction() as connection:
        assert not await refits.unfinished(connection, project_id)
        assert (await upkeep.request_refit(connection, "p")).state == "queued"


async def test_a_deleted_project_is_not_considered(database: Database, settings: Settings) -> None:
    assert await upkeep.consider(database, 12345, settings, "new_runs") is None


async def test_a_refit_of_an_unknown_project_is_not_found(database: Database) -> None:
    async with database.transaction() as connection:
        with pytest.raises(NotFound):
            await upkeep.request_refit(connection, "ghost")


async def test_recovery_rings_again_for_what_waits_unheard(database: Database, settings: Settings) -> None:
    await posted(database, 0, 20)
    async with database.transaction() as connection:
        refit = await upkeep.request_refit(connection, "p")
        await refits.start(connection, refit.id)
        await connection.execute(text("UPDATE refits SET heartbeat_at = now() - interval '1 hour'"))
        await connection.execute(text("DELETE FROM procrastinate_jobs"))
    await upkeep.recover(database, settings)
    async with database.snapshot() as connection:
        assert (await refits.get(connection, refit.id)).state == "queued"
        rung = await connection.execute(text("SELECT task_name, args FROM procrastinate_jobs"))
        assert rung.all() == [("run_refit", {"refit_id": str(refit.id)})]


# ---------------------------------------------------------------- how a project stands


async def health_of(database: Database, project_id: int) -> health.Health:
    await upkeep.measure(database, project_id)
    async with database.snapshot() as connection:
        return (await health.of(connection, [project_id]))[project_id]


async def follow(database: Database, n: int, value: float, state: str = "completed") -> None:
    """Post runs of a recommended configuration, for which 0.4 to 0.6 had been predicted."""
    answer = {"configurations": [{"rank": 1, "configuration": {"x": 1}, "predicted": {"y": PREDICTED}}]}
    async with database.transaction() as connection:
        project_id = (await projects.ensure(connection, ["p"]))["p"]
        for _ in range(n):
            asked = await recommendations.insert_one(
                connection, project_id, dataset="d", meta_learner_id=None, request={}, answer=answer
            )
            body = {"project": "p", "dataset": "d", "state": state, "recommendation_id": asked}
            run = Run.model_validate({**body, "hyperparameters": {"x": 1}, "metrics": {"y": value}})
            await upsert.upsert(connection, [run])


PREDICTED = {"mean": 0.5, "std": 0.05, "lower": 0.4, "upper": 0.6}


async def test_results_that_miss_their_intervals_are_drift(database: Database) -> None:
    project_id = await posted(database, 0, 3)
    await follow(database, 10, 0.5)
    await follow(database, 5, 99.0, state="running")
    good = await health_of(database, project_id)
    assert (good.n_runs, good.n_new_runs) == (13, 13)
    assert good.last_run_at is not None
    assert good.intervals == {"y": {"n": 10, "inside": 1.0, "below": 0, "above": 0, "drifting": False}}
    await follow(database, 10, 0.7)
    drifted = await health_of(database, project_id)
    assert drifted.intervals == {"y": {"n": 20, "inside": 0.5, "below": 0, "above": 10, "drifting": True}}


async def test_only_the_latest_results_count(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "MOST_OUTCOMES", 8)
    project_id = await posted(database, 0, 1)
    await follow(database, 10, 0.7)
    await follow(database, 8, 0.5)
    assert (await health_of(database, project_id)).intervals["y"]["n"] == 8
    assert not (await health_of(database, project_id)).intervals["y"]["drifting"]


async def test_a_project_that_is_gone_has_no_health(database: Database) -> None:
    await upkeep.measure(database, 4711)
    async with database.snapshot() as connection:
        assert await health.of(connection, [4711]) == {}
