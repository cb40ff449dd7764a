"""What a project need not keep goes, and not a row more; what it taught stays."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from app.featurise.segment import run_table
from app.flows import fold as story
from app.flows import tidy as expiry
from app.flows import upkeep
from app.flows.fold import read
from app.flows.tidy import tidy, tidy_all
from app.store import projects
from app.store.database import Database
from app.store.upsert import upsert
from app.types import Run
from tests.featurise.test_segment import assert_same
from tests.flows.test_fold import settled

ANSWERED = """
    INSERT INTO recommendations (project_id, dataset) SELECT id, 'd0' FROM projects WHERE name = 'p' RETURNING id
"""


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day is over at once, and few runs are many."""
    monkeypatch.setattr(upkeep, "DAY_SECONDS", 0.0)
    monkeypatch.setattr(upkeep, "FOLD_FROM", 10)
    monkeypatch.setattr(story, "FEWEST", 1)
    monkeypatch.setattr(expiry, "AT_ONCE", 3)


def a_run(number: int, **changes: Any) -> Run:
    document = {"project": "p", "run_id": f"r{number}", "dataset": f"d{number % 2}", "state": "completed"}
    return Run.model_validate({**document, "metrics": {"accuracy": number / 100}, **changes})


async def post(database: Database, *incoming: Run) -> int:
    async with database.transaction() as connection:
        await upsert(connection, incoming)
        return (await projects.ensure(connection, ["p"]))["p"]


async def keep(database: Database, **retention: Any) -> None:
    async with database.transaction() as connection:
        await projects.put(connection, "p", [], {}, retention)


async def kept(database: Database) -> list[str]:
    async with database.snapshot() as connection:
        return list((await connection.execute(text("SELECT run_id FROM runs ORDER BY id"))).scalars())


async def test_expired_rows_go_and_what_they_taught_stays(database: Database) -> None:
    project_id = await post(database, *map(a_run, range(20)))
    before = await read(database, project_id)
    await keep(database, keep_raw_days=1, keep_latest=2)
    await settled(database, project_id)
    assert await tidy(database, project_id) == 16
    assert await kept(database) == ["r16", "r17", "r18", "r19"]
    after = await read(database, project_id)
    assert_same(run_table(after.runs, after.meta_features), run_table(before.runs, before.meta_features))
    async with database.snapshot() as connection:
        assert await projects.n_terminal_runs(connection, project_id) == 20
    assert await tidy(database, project_id) == 0


async def test_what_is_young_or_runs_or_followed_a_recommendation_stays(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post(database)
    async with database.transaction() as connection:
        answered = await connection.scalar(text(ANSWERED))
    running = a_run(1, state="running", metrics={})
    project_id = await post(database, a_run(0, recommendation_id=str(answered)), running, a_run(2), a_run(3))
    await settled(database, project_id)
    await keep(database, keep_raw_days=1, keep_latest=0)
    with monkeypatch.context() as slow:
        slow.setattr(upkeep, "DAY_SECONDS", 3600.0)
        assert await tidy(database, project_id) == 0
    assert await tidy(database, project_id) == 2
    assert await kept(database) == ["r0", "r1"]


async def test_what_is_in_no_segment_stays(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    project_id = await post(database, *map(a_run, range(4)))
    await keep(database, keep_raw_days=1, keep_latest=0)
    monkeypatch.setattr(story, "FEWEST", 100)
    await settled(database, project_id)
    assert await tidy(database, project_id) == 0
    assert len(await kept(database)) == 4


async def test_projects_are_tidied_that_need_it(database: Database) -> None:
    project_id = await post(database, *map(a_run, range(9)))
    assert await upkeep.untidy(database) == []
    await post(database, a_run(9))
    assert await upkeep.untidy(database) == [project_id]
    await settled(database, project_id)
    await tidy_all(database)
    assert await upkeep.untidy(database) == []
    assert len(await kept(database)) == 10
    await keep(database, keep_raw_days=1, keep_latest=5)
    assert await upkeep.untidy(database) == []
    await keep(database, keep_raw_days=1, keep_latest=3)
    assert await upkeep.untidy(database) == [project_id]
    await tidy_all(database)
    assert (await upkeep.untidy(database), len(await kept(database))) == ([], 6)
