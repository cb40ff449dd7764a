"""Runs of familiar datasets are stored in one statement; whatever needs a second look is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from app.store import datasets, homes, runs
from app.store.arrivals import arrival_of
from app.store.database import Database
from app.store.homes import Home, Homes
from app.store.swift_insert import insert
from app.store.upsert import upsert
from app.types import Run


def run(run_id: str, *, feature: float = 1.0, **fields: Any) -> Run:
    dataset = {"name": "adult", "meta_features": {"n_rows": feature}}
    document = {"run_id": run_id, "dataset": dataset, "state": "completed", "metrics": {"accuracy": 0.5}, **fields}
    return Run.model_validate(document)


async def swiftly(database: Database, *incoming: Run) -> list[bool]:
    """Which of the runs were stored."""
    async with database.line() as line:
        return [place is not None for place in await insert(line, [*map(arrival_of, incoming)], database.homes)]


async def store(database: Database, *incoming: Run) -> Sequence[str]:
    async with database.transaction() as connection:
        return [outcome.status for outcome in await upsert(connection, incoming, database.homes)]


async def familiar(database: Database) -> None:
    """The dataset is made by a first run, and seen by a second."""
    await store(database, run("first"))
    await store(database, run("second"))


async def test_what_is_stored_reads_as_it_was_posted(database: Database) -> None:
    await familiar(database)
    posted = run(
        'r "1" \\ \u00e9\u2028',
        hyperparameters={"a": 1, "text": 'tab\t "quote" \\ \u00e9\u2028'},
        state="running",
        learning_curve=[{"step": 1, "metrics": {"accuracy": 0.25}}],
        started_at="2026-03-02T10:14:07.5+01:00",
    )
    async with database.line() as line:
        ((_, id_),) = filter(None, await insert(line, [arrival_of(posted)], database.homes))
    async with database.snapshot() as connection:
        assert (await runs.get(connection, id_)).run == posted
    assert await store(database, posted) == ["duplicate"]


async def test_an_unfamiliar_dataset_is_left_alone(database: Database) -> None:
    assert await swiftly(database, run("a")) == [False]
    await store(database, run("first"))
    assert await swiftly(database, run("a")) == [False]  # it was made, and not seen yet
    await store(database, run("second"))
    assert await swiftly(database, run("a"), run("b")) == [True, True]


async def test_news_of_a_dataset_are_left_alone_with_all_its_runs(database: Database) -> None:
    await familiar(database)
    assert await swiftly(database, run("a"), run("b", feature=2.0), run("c", project="other")) == [False] * 3


async def test_a_dataset_that_changed_meanwhile_is_left_alone(database: Database) -> None:
    await familiar(database)
    async with database.transaction() as connection:
        await datasets.replace(connection, "default", "adult", {"n_rows": 7.0})
    assert await swiftly(database, run("a")) == [False]
    await store(database, run("a"))  # which tells the dataset what it is again
    async with database.snapshot() as connection:
        assert (await datasets.get(connection, "default", "adult")).meta_features == {"n_rows": 1.0}


async def test_a_run_that_is_there_comes_twice_or_follows_is_left_alone(database: Database) -> None:
    await familiar(database)
    assert await swiftly(database, run("first"), run("a"), run("twin"), run("twin")) == [False, True, False, False]
    assert await swiftly(database, run("b"), run("c", recommendation_id=uuid4())) == [True, False]


def test_what_is_known_of_an_unchanged_dataset_adds_up(monkeypatch: Any) -> None:
    seen = Homes()
    seen.see(("p", "d"), Home(1, 2, 3, {"a": 1.0}))
    seen.see(("p", "d"), Home(1, 2, 3, {"b": 1.0}))
    assert seen.get(("p", "d"), {"a": 1.0, "b": 1.0}) is not None
    assert seen.get(("p", "d"), {"a": 2.0}) is None
    seen.see(("p", "d"), Home(1, 2, 4, {"b": 1.0}))
    assert seen.get(("p", "d"), {"a": 1.0}) is None
    monkeypatch.setattr(homes, "MOST", 2)
    for name in "efg":
        seen.see(("p", name), Home(1, 2, 3, {}))
    assert seen.get(("p", "g"), {}) is not None
    assert seen.get(("p", "d"), {}) is None
