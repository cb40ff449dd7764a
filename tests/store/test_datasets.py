"""Datasets by hand: their meta-features replaced, looked at, listed."""

from __future__ import annotations

import asyncio

import pytest

from app.errors import InvalidCursor, NotFound
from app.store import datasets, projects
from app.store.database import Database
from app.store.upsert import upsert
from app.types import Run


async def replace(database: Database, project: str, name: str, **meta_features: float) -> datasets.StoredDataset:
    async with database.transaction() as connection:
        return await datasets.replace(connection, project, name, meta_features)


async def test_meta_features_are_replaced_as_a_whole(database: Database) -> None:
    first = await replace(database, "p", "a/b c", x=1.0, y=1e20)
    second = await replace(database, "p", "a/b c", y=2.5)
    assert (first.project, first.name, first.meta_features) == ("p", "a/b c", {"x": 1.0, "y": 1e20})
    assert (second.meta_features, second.created_at) == ({"y": 2.5}, first.created_at)
    assert second.updated_at > first.updated_at


async def test_an_unknown_dataset_is_not_found(database: Database) -> None:
    await replace(database, "p", "a")
    for project, name in (("p", "b"), ("q", "a")):
        async with database.snapshot() as connection:
            with pytest.raises(NotFound):
                await datasets.get(connection, project, name)


async def test_runs_are_counted(database: Database) -> None:
    await replace(database, "p", "empty")
    run = Run.model_validate({"project": "p", "dataset": "used", "state": "failed"})
    async with database.transaction() as connection:
        await upsert(connection, [run, run, run])
        listed, _ = await datasets.page(connection, project="p", cursor=None, limit=10)
    assert [(dataset.name, dataset.n_runs) for dataset in listed] == [("used", 3), ("empty", 0)]


async def test_pages_hold_every_dataset_once_newest_first(database: Database) -> None:
    for project in "pq":
        for i in range(5):
            await replace(database, project, f"d{i}")
    async with database.snapshot() as connection:
        page, cursor = await datasets.page(connection, project="p", cursor=None, limit=3)
        assert [dataset.name for dataset in page] == ["d4", "d3", "d2"]
        page, cursor = await datasets.page(connection, project="p", cursor=cursor, limit=3)
        assert ([dataset.name for dataset in page], cursor) == (["d1", "d0"], None)
        everywhere, _ = await datasets.page(connection, project=None, cursor=None, limit=100)
        assert len(everywhere) == 10
        with pytest.raises(InvalidCursor):
            await datasets.page(connection, project="p", cursor="nonsense", limit=3)


async def test_a_project_is_made_once_however_many_ask(database: Database) -> None:
    names = ["b", "a", "c"]

    async def ensure(order: list[str]) -> dict[str, int]:
        async with database.transaction() as connection:
            return await projects.ensure(connection, order)

    found = await asyncio.gather(*(ensure(names if i % 2 else names[::-1]) for i in range(12)))
    assert all(ids == found[0] for ids in found)
    assert found[0].keys() == set(names)
