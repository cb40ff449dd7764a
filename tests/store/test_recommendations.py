from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import insert

from app.errors import NotFound
from app.store import projects, recommendations
from app.store.database import Database
from app.store.tables import datasets, runs


async def test_an_answer_is_kept_with_the_runs_that_followed_it(database: Database) -> None:
    answer = {"basis": "zero_shot", "configurations": [{"rank": 1, "score": 0.93}]}
    async with database.transaction() as connection:
        project_id = (await projects.ensure(connection, ["p"]))["p"]
        recommendation_id = await recommendations.insert_one(
            connection, project_id, dataset="d", meta_learner_id=None, request={"seed": 0}, answer=answer
        )
        dataset = insert(datasets).values(project_id=project_id, name="d").returning(datasets.c.id)
        common = {"project_id": project_id, "dataset_id": await connection.scalar(dataset), "digest": bytes(32)}
        common |= {"state": "completed", "metrics": {"accuracy": 0.9}}
        rows = [{"run_id": f"r{i}", "recommendation_id": recommendation_id, **common} for i in range(2)]
        await connection.execute(insert(runs).values([*rows, {"run_id": "x", "recommendation_id": None, **common}]))
    async with database.snapshot() as connection:
        kept = await recommendations.get(connection, recommendation_id)
        followed = await recommendations.following_runs(connection, recommendation_id)
    assert (kept.project, kept.dataset, kept.request, kept.answer) == ("p", "d", {"seed": 0}, answer)
    assert [run.run_id for run in followed] == ["r0", "r1"]
    assert followed[0].metrics == {"accuracy": 0.9}


async def test_an_unknown_recommendation_is_not_found(database: Database) -> None:
    async with database.snapshot() as connection:
        with pytest.raises(NotFound):
            await recommendations.get(connection, UUID(int=1))
