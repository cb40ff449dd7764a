"""Runs are stored once, whoever sends them, how often, how many at a time and in what order."""

from __future__ import annotations

import asyncio
import random
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text, update

from app.errors import InvalidRequest, RunConflict
from app.store import datasets, projects, recommendations, runs
from app.store import tables as t
from app.store.database import Database
from app.store.upsert import Outcome, upsert
from app.types import Run


def run(run_id: str | None = None, **fields: Any) -> Run:
    document = {"run_id": run_id, "dataset": "adult", "state": "completed", "metrics": {"accuracy": 0.5}, **fields}
    return Run.model_validate(document)


async def store(database: Database, *incoming: Run) -> list[Outcome]:
    async with database.transaction() as connection:
        return await upsert(connection, incoming)


async def statuses(database: Database, *incoming: Run) -> list[str]:
    return [outcome.status for outcome in await store(database, *incoming)]


async def count(database: Database) -> int:
    async with database.snapshot() as connection:
        return await connection.scalar(select(func.count()).select_from(t.runs)) or 0


@pytest.mark.parametrize("n", [2, 499, 500])
async def test_few_and_many_are_stored_alike(database: Database, n: int) -> None:
    incoming = [run(f"run-{i}", hyperparameters={"i": i, "text": 'tab\t "quote" \\ \u00e9\u2028'}) for i in range(n)]
    outcomes = await store(database, *incoming)
    assert [outcome.index for outcome in outcomes] == list(range(n))
    assert {outcome.status for outcome in outcomes} == {"created"}
    async with database.snapshot() as connection:
        for outcome in outcomes[::99]:
            assert outcome.id is not None
            assert (await runs.get(connection, outcome.id)).run == incoming[outcome.index]
    again = await store(database, *reversed(incoming))
    assert {outcome.status for outcome in again} == {"duplicate"}
    assert [outcome.id for outcome in again] == [outcome.id for outcome in reversed(outcomes)]
    assert await count(database) == n


async def test_a_run_without_a_key_is_given_one(database: Database) -> None:
    first, second = await store(database, run(), run())
    assert (first.status, second.status) == ("created", "created")
    assert first.run_id != second.run_id
    assert await statuses(database, run(first.run_id)) == ["duplicate"]


TOLD: dict[str, Any] = {
    "hyperparameters": {"a": 1, "b": [1.0, {"x": 1, "y": 2}]},
    "started_at": "2026-03-02T09:14:07Z",
    "metrics": {"accuracy": 1.0},
}
TOLD_OTHERWISE: list[dict[str, Any]] = [
    {"hyperparameters": {"b": [1, {"y": 2, "x": 1.0}], "a": 1.0}},
    {"architecture": {}, "tags": {}, "recommendation_id": None},
    {"dataset": {"meta_features": {}, "name": "adult"}},
    {"started_at": "2026-03-02T10:14:07+01:00"},
    {"metrics": {"accuracy": 1}},
]
ANOTHER: list[dict[str, Any]] = [
    {"hyperparameters": TOLD["hyperparameters"] | {"a": 2}},
    {"hyperparameters": TOLD["hyperparameters"] | {"a": "1"}},
    {"hyperparameters": TOLD["hyperparameters"] | {"a": True}},
    {"hyperparameters": {"b": 1}},
    {"architecture": {"a": 1}},
    {"metrics": {"accuracy": 1.0, "auc": 0.6}},
    {"state": "failed"},
    {"dataset": "covertype"},
    {"dataset": {"name": "adult", "meta_features": {"n_rows": 2}}},
    {"tags": {"a": "1"}},
    {"learning_curve": [{"step": 1, "metrics": {"accuracy": 0.1}}]},
    {"finished_at": "2026-03-02T09:14:07Z"},
    {"started_at": None},
]


async def test_the_same_run_told_otherwise_is_a_duplicate(database: Database, subtests: pytest.Subtests) -> None:
    await store(database, run("r", **TOLD))
    for same in TOLD_OTHERWISE:
        with subtests.test(repr(same)):
            assert await statuses(database, run("r", **TOLD | same)) == ["duplicate"]


async def test_another_run_under_the_same_key_is_a_conflict(database: Database, subtests: pytest.Subtests) -> None:
    (first,) = await store(database, run("r", **TOLD))
    for other in ANOTHER:
        with subtests.test(repr(other)):
            (second,) = await store(database, run("r", **TOLD | other))
            assert (second.status, second.id) == ("conflict", first.id)
            assert isinstance(second.error, RunConflict)
    assert await count(database) == 1
    async with database.snapshot() as connection:
        (dataset,), _ = await datasets.page(connection, project=None, cursor=None, limit=10)
    assert (dataset.name, dataset.meta_features) == ("adult", {})  # a run that is not taken leaves no trace


async def test_keys_are_of_a_project(database: Database) -> None:
    assert await statuses(database, run("r", project="a"), run("r", project="b")) == ["created", "created"]


async def test_repeats_within_a_batch(database: Database) -> None:
    first, other = run("r"), run("r", state="failed")
    outcomes = await store(database, first, other, first, run("s"), first)
    assert [outcome.status for outcome in outcomes] == ["created", "conflict", "duplicate", "created", "duplicate"]
    assert len({outcome.id for outcome in outcomes}) == 2


async def test_an_unknown_recommendation_rejects_its_run_only(database: Database) -> None:
    following = run("r", recommendation_id=str(uuid4()))
    outcomes = await store(database, following, run("s"), run("r"))
    assert [outcome.status for outcome in outcomes] == ["rejected", "created", "created"]
    assert isinstance(outcomes[0].error, InvalidRequest)
    assert outcomes[0].error.faults[0].pointer == "/recommendation_id"


async def test_a_run_may_follow_a_recommendation_of_its_own_project(database: Database) -> None:
    recommendation = str(await recommendation_of(database, "mine"))
    mine, others = (run(project=project, recommendation_id=recommendation) for project in ("mine", "others"))
    assert await statuses(database, mine, others) == ["created", "rejected"]


async def recommendation_of(database: Database, project: str) -> UUID:
    async with database.transaction() as connection:
        ids = await projects.ensure(connection, [project])
        return await recommendations.insert_one(
            connection, ids[project], dataset="adult", meta_learner_id=None, request={}, answer={}
        )


async def test_a_retry_of_the_first_post_is_a_duplicate_after_a_patch(database: Database) -> None:
    begun = run("r", state="running", metrics={})
    (outcome,) = await store(database, begun)
    assert outcome.id is not None
    async with database.transaction() as connection:
        await connection.execute(update(t.runs).values(state="completed"))
    assert await statuses(database, begun) == ["duplicate"]


# ---------------------------------------------------------------- meta-features


def of(name: str, meta_features: dict[str, float]) -> Run:
    return run(dataset={"name": name, "meta_features": meta_features})


async def known(database: Database, name: str) -> datasets.StoredDataset:
    async with database.snapshot() as connection:
        return await datasets.get(connection, "default", name)


async def test_meta_features_are_merged_and_the_last_writer_wins(database: Database) -> None:
    await store(database, of("a", {"x": 1, "y": 1}), of("a", {"y": 2, "z": 2}), of("b", {"x": 9}))
    await store(database, of("a", {"z": 3}))
    assert (await known(database, "a")).meta_features == {"x": 1.0, "y": 2.0, "z": 3.0}
    assert (await known(database, "b")).meta_features == {"x": 9.0}


async def test_nothing_is_written_to_a_dataset_that_knows_it_already(database: Database) -> None:
    await store(database, of("a", {"x": 1, "y": 2.5}))
    before = await known(database, "a")
    async with database.transaction() as other:  # who holds the row would make a writer wait
        await other.execute(text("SELECT FROM datasets FOR NO KEY UPDATE"))
        async with asyncio.timeout(120):
            await store(database, of("a", {"y": 2.5}), of("a", {}), run())
    assert (await known(database, "a")).updated_at == before.updated_at


async def test_a_retry_does_not_bring_old_meta_features_back(database: Database) -> None:
    old = run("r", dataset={"name": "a", "meta_features": {"x": 1}})
    await store(database, old)
    await store(database, of("a", {"x": 2}))
    assert await statuses(database, old) == ["duplicate"]
    assert (await known(database, "a")).meta_features == {"x": 2.0}


# ---------------------------------------------------------------- at the same time


async def test_of_64_twins_one_is_created(database: Database) -> None:
    outcomes = await asyncio.gather(*(store(database, run("twin")) for _ in range(64)))
    assert sorted(outcome.status for (outcome,) in outcomes) == ["created"] + ["duplicate"] * 63
    assert len({outcome.id for (outcome,) in outcomes}) == 1


SLOWLY = """
    CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.003); RETURN NEW; END';
    CREATE TRIGGER slowly BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION slowly();
"""
"""Lets statements meet in the middle, which they seldom would otherwise: out of order, they deadlock each time."""


async def slow_down(database: Database, table: str) -> None:
    async with database.transaction() as connection:
        for statement in SLOWLY.format(table).strip().split("\n"):
            await connection.execute(text(statement))


async def test_batches_that_share_runs_in_any_order_do_not_deadlock(database: Database) -> None:
    shared = [run(f"r-{i}", project=f"p-{i % 3}") for i in range(40)]
    await store(database, *(run(project=f"p-{i}") for i in range(3)))  # else the first to make them goes first
    await slow_down(database, "runs")
    shuffled = [random.Random(seed).sample(shared, 40) for seed in range(5)]
    batches = await asyncio.gather(*(store(database, *batch) for batch in shuffled))
    assert await count(database) == 43
    assert sorted(outcome.status for batch in batches for outcome in batch) == ["created"] * 40 + ["duplicate"] * 160


@pytest.mark.parametrize("there", [True, False])
async def test_datasets_written_in_any_order_do_not_deadlock(database: Database, there: bool) -> None:
    names = [f"d-{i}" for i in range(40)]
    await store(database, *(of(name, {}) for name in (names if there else ["other"])))
    await slow_down(database, "datasets")
    orders = [random.Random(seed).sample(names, 40) for seed in range(5)]
    await asyncio.gather(*(store(database, *(of(name, {"x": i}) for name in order)) for i, order in enumerate(orders)))
    assert len({(await known(database, name)).meta_features["x"] for name in names}) == 1
