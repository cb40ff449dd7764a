"""What was stored is what is read: whole, in pages, as a history; and what may still change."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import select

from app.errors import InvalidCursor, NotFound, RunFinished
from app.store import cursors, datasets, documents, runs
from app.store import tables as t
from app.store.database import Database
from app.store.upsert import upsert
from app.types import Run, RunPatch

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
NUMBERS = st.floats(-1e300, 1e300) | st.integers(-(2**53), 2**53)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
INPUTS = st.dictionaries(NAMES, VALUES, max_size=3)
TARGETS = st.dictionaries(NAMES, NUMBERS, min_size=1, max_size=3)
TIMES = st.datetimes().map(lambda time: f"{time.isoformat()}Z")
RUNS = st.builds(
    lambda **fields: Run.model_validate(fields),
    dataset=NAMES | st.fixed_dictionaries({"name": NAMES, "meta_features": TARGETS}),
    state=st.sampled_from(["completed", "failed", "running", "stopped"]),
    hyperparameters=INPUTS,
    architecture=INPUTS,
    environment=INPUTS,
    fidelity=INPUTS,
    metrics=TARGETS,
    tags=st.dictionaries(NAMES, NAMES, max_size=2),
    learning_curve=st.lists(st.fixed_dictionaries({"step": NUMBERS, "metrics": TARGETS}), max_size=3),
    started_at=st.none() | TIMES,
)


def run(**fields: Any) -> Run:
    document = {"dataset": "adult", "state": "completed", "metrics": {"accuracy": 0.5}, **fields}
    return Run.model_validate(document)


async def store(database: Database, *incoming: Run) -> list[UUID]:
    async with database.transaction() as connection:
        ids = [outcome.id for outcome in await upsert(connection, incoming)]
    assert None not in ids
    return [id_ for id_ in ids if id_]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(given=RUNS)
async def test_a_run_is_read_as_it_was_stored(database: Database, given: Run) -> None:
    given = given.model_copy(update={"project": str(uuid4()), "run_id": str(uuid4())})
    (id_,) = await store(database, given)
    async with database.snapshot() as connection:
        stored = await runs.get(connection, id_)
    assert stored.run == given
    unsigned = re.sub(r"-0\.0(?!\d)", "0.0", documents.dumps(given.hyperparameters))
    assert documents.dumps(stored.run.hyperparameters) == unsigned


async def test_large_floats_stay_floats(database: Database) -> None:
    inputs = {"a": 1e17, "b": [-1.2345678901234567e18], "c": 2.0**53, "d": 2**53, "e": 1e300, "f": 7, "g": 7.0}
    (id_,) = await store(database, run(hyperparameters=inputs, metrics={"m": 1e19}))
    async with database.snapshot() as connection:
        stored = (await runs.get(connection, id_)).run
    assert stored.hyperparameters == inputs
    assert [type(value) for value in stored.hyperparameters.values()] == [type(value) for value in inputs.values()]
    assert stored.metrics == {"m": 1e19}


async def test_what_is_not_there_is_not_found(database: Database) -> None:
    async with database.transaction() as connection:
        for call in (runs.get, runs.remove):
            with pytest.raises(NotFound):
                await call(connection, uuid4())
        (what,) = await runs.amend(connection, [amendment(uuid4())])
    assert isinstance(what, NotFound)


# ---------------------------------------------------------------- pages


async def pages(database: Database, limit: int, **filters: Any) -> list[list[UUID]]:
    found: list[list[UUID]] = []
    cursor = None
    while True:
        async with database.snapshot() as connection:
            page, cursor = await runs.page(connection, cursor=cursor, limit=limit, **filters)
        found.append([stored.id for stored in page])
        if cursor is None:
            return found


async def test_pages_hold_every_run_once_newest_first(database: Database) -> None:
    ids = [id_ for number in range(3) for id_ in await store(database, *(run(run_id=f"{number}{i}") for i in range(3)))]
    assert [id_ for page in await pages(database, 4) for id_ in page] == sorted(ids, reverse=True)
    assert [len(page) for page in await pages(database, 3)] == [3, 3, 3]
    assert [len(page) for page in await pages(database, 9)] == [9]


async def test_new_runs_do_not_shift_later_pages(database: Database) -> None:
    ids = sorted(await store(database, *(run() for _ in range(4))), reverse=True)
    async with database.transaction() as connection:
        _, cursor = await runs.page(connection, limit=2)
    await store(database, run())
    async with database.transaction() as connection:
        page, _ = await runs.page(connection, cursor=cursor, limit=2)
    assert [stored.id for stored in page] == ids[2:]


async def test_pages_of_large_runs_are_shorter(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "_PAGE_BYTES", 2_000)
    ids = await store(database, *(run(run_id=str(i), tags={"long": "x" * 900}) for i in range(7)))
    assert [len(page) for page in await pages(database, 5)] == [3, 3, 1]
    assert [id_ for page in await pages(database, 5) for id_ in page] == sorted(ids, reverse=True)


async def test_pages_are_filtered(database: Database) -> None:
    combinations = [
        (project, dataset, state) for project in "pq" for dataset in "de" for state in ("completed", "failed")
    ]
    ids = [
        (await store(database, run(project=project, dataset=dataset, state=state)))[0]
        for project, dataset, state in combinations
    ]

    async def found(**filters: Any) -> set[int]:
        return {ids.index(id_) for page in await pages(database, 3, **filters) for id_ in page}

    def expected(**filters: str) -> set[int]:
        names = ("project", "dataset", "state")
        return {
            i
            for i, c in enumerate(combinations)
            if all(c[names.index(name)] == value for name, value in filters.items())
        }

    for filters in (
        {"project": "p"},
        {"dataset": "d"},
        {"state": "failed"},
        {"project": "q", "dataset": "e"},
        {"project": "q", "state": "completed"},
        {"project": "p", "dataset": "d", "state": "failed"},
    ):
        assert await found(**filters) == expected(**filters) != set()
    assert (
        await found(project="absent") == await found(dataset="absent") == await found(project="p", dataset="x") == set()
    )


async def test_a_cursor_of_ones_own_making_is_refused(database: Database) -> None:
    longer, other = cursors.after_uuid(UUID(int=7)) + "A", cursors.after_bigint(3)
    async with database.snapshot() as connection:
        for cursor in ("", "x", "\u00e9", "A" * 64, "A" * 65, "dQ==", longer, other):
            with pytest.raises(InvalidCursor) as caught:
                await runs.page(connection, cursor=cursor)
            assert caught.value.faults[0].pointer == "/query/cursor"


@given(st.uuids(), st.integers(0, 2**63 - 1))
def test_cursors_come_back(uuid: UUID, number: int) -> None:
    assert cursors.read_uuid(cursors.after_uuid(uuid)) == uuid
    assert cursors.read_bigint(cursors.after_bigint(number)) == number


@given(st.text(max_size=66))
def test_no_text_breaks_a_cursor(text: str) -> None:
    for read in (cursors.read_uuid, cursors.read_bigint):
        with pytest.raises(InvalidCursor):
            read(text)


# ---------------------------------------------------------------- the history


async def test_the_history_has_finished_runs_oldest_first(database: Database) -> None:
    meta_features = {"x": 1.5}
    first = [run(project="p", state=state) for state in ("failed", "running", "completed")]
    second = [
        run(project="p", dataset={"name": "e", "meta_features": meta_features}, learning_curve=[]),
        run(project="q"),
    ]
    ids = await store(database, *first) + await store(database, *second)
    async with database.snapshot() as connection:
        project_id = (await datasets_ids(connection))["p"]
        history = [past async for past in runs.history(connection, project_id)]
        of_adult = await runs.of_dataset(connection, project_id, "adult")
        latest = await runs.of_dataset(connection, project_id, "adult", latest=2)
        assert await datasets.meta_features(connection, project_id) == {"adult": {}, "e": meta_features}
    assert [UUID(bytes=past.id) for past in history] == sorted([ids[0], ids[2], ids[3]])
    assert [stored.id for stored in of_adult] == sorted(ids[:3])
    assert [stored.id for stored in latest] == sorted(ids[:3])[1:]
    assert {past.dataset for past in history} == {"adult", "e"}
    assert all(past.metrics == {"accuracy": 0.5} for past in history)


async def datasets_ids(connection: Any) -> dict[str, int]:
    return {row.name: row.id for row in await connection.execute(select(t.projects))}


async def test_a_history_longer_than_one_chunk_is_whole(database: Database) -> None:
    await store(database, *(run(hyperparameters={"i": i}) for i in range(2_300)))
    async with database.snapshot() as connection:
        seen = [past.hyperparameters["i"] async for past in runs.history(connection, 1)]
    assert sorted(seen) == list(range(2_300))


# ---------------------------------------------------------------- patches


async def amend(database: Database, id_: UUID, **patch: Any) -> runs.Amended:
    async with database.transaction() as connection:
        (what,) = await runs.amend(connection, [amendment(id_, **patch)])
    if isinstance(what, Exception):
        raise what
    return what


def amendment(id_: UUID, reach: Any = None, **patch: Any) -> runs.Amendment:
    return runs.Amendment(id_, RunPatch.model_validate(patch), reach)


def point(step: float, accuracy: float) -> dict[str, Any]:
    return {"step": step, "metrics": {"accuracy": accuracy}}


async def test_a_running_run_is_extended_and_finished(database: Database) -> None:
    begun = run(
        state="running", metrics={"loss": 3}, resources={"seconds": 1}, learning_curve=[point(1, 0.1)], tags={"a": "b"}
    )
    (id_,) = await store(database, begun)
    extended = await amend(database, id_, metrics={"loss": 2}, learning_curve=[point(2, 0.2)])
    assert (extended.ended, extended.run.run.state) == (False, "running")
    patch = {"state": "completed", "resources": {"bytes": 7}, "finished_at": "2026-03-02T09:14:07Z"}
    finished = await amend(database, id_, metrics={"accuracy": 0.9}, learning_curve=[point(3, 0.9)], **patch)
    assert (finished.ended, finished.run.run.state) == (True, "completed")
    assert finished.run.run.metrics == {"loss": 2, "accuracy": 0.9}
    assert finished.run.run.resources == {"seconds": 1, "bytes": 7}
    assert [p.step for p in finished.run.run.learning_curve] == [1, 2, 3]
    assert finished.run.run.tags == {"a": "b"}
    assert finished.run.updated_at > finished.run.created_at
    async with database.snapshot() as connection:
        assert await runs.get(connection, id_) == finished.run


async def test_the_same_patch_again_changes_nothing(database: Database) -> None:
    (id_,) = await store(database, run(state="running"))
    patch = {"state": "completed", "metrics": {"auc": 0.9}, "learning_curve": [point(1, 0.1), point(2, 0.2)]}
    first = await amend(database, id_, **patch)
    again = await amend(database, id_, **patch)
    assert (first.ended, again.ended) == (True, False)
    assert again.run == first.run


async def test_a_finished_run_does_not_change(database: Database) -> None:
    for state in ("completed", "failed", "stopped"):
        (id_,) = await store(database, run(state=state))
        for patch in ({"state": "running"}, {"metrics": {"accuracy": 0.6}}, {"learning_curve": [point(1, 0.1)]}):
            with pytest.raises(RunFinished):
                await amend(database, id_, **patch)
        assert (await amend(database, id_)).run.run.state == state


async def test_a_patch_may_not_break_the_run(database: Database) -> None:
    begun = run(run_id="r", state="running", metrics={}, resources={"seconds": 1}, started_at="2026-03-02T09:14:07Z")
    (id_,) = await store(database, begun)
    for patch in ({"state": "completed"}, {"metrics": {"seconds": 1}}, {"finished_at": "2001-01-01T00:00:00Z"}):
        with pytest.raises(ValidationError):
            await amend(database, id_, **patch)
    async with database.snapshot() as connection:
        assert (await runs.get(connection, id_)).run == begun


async def test_patches_at_the_same_time_lose_nothing(database: Database) -> None:
    (id_,) = await store(database, run(state="running", metrics={}))
    await asyncio.gather(*(amend(database, id_, metrics={f"m{i}": i}, learning_curve=[point(i, 0)]) for i in range(12)))
    async with database.snapshot() as connection:
        after = (await runs.get(connection, id_)).run
    assert after.metrics == {f"m{i}": i for i in range(12)}
    assert sorted(p.step for p in after.learning_curve) == list(range(12))


async def test_patches_of_one_transaction_are_told_one_by_one(database: Database) -> None:
    first, second, done = await store(database, *(run(state=state) for state in ("running", "running", "completed")))
    patches = [
        amendment(second, metrics={"late": 1}),
        amendment(first, metrics={"a": 1}),
        amendment(done, metrics={"a": 1}),
        amendment(first, state="completed"),
        amendment(first, metrics={"b": 2}),
        amendment(second, reach=[], metrics={"out of reach": 1}),
        amendment(uuid4()),
    ]
    async with database.transaction() as connection:
        found = await runs.amend(connection, patches)
    assert [type(what) for what in found] == [
        runs.Amended, runs.Amended, RunFinished, runs.Amended, RunFinished, NotFound, NotFound
    ]  # fmt: skip
    amended = [what for what in found if isinstance(what, runs.Amended)]
    assert [what.ended for what in amended] == [False, False, True]
    assert [what.run.run.metrics for what in amended] == [
        {"accuracy": 0.5, "late": 1}, {"accuracy": 0.5, "a": 1}, {"accuracy": 0.5, "a": 1}
    ]  # fmt: skip
    async with database.snapshot() as connection:
        assert [await runs.get(connection, what.run.id) for what in amended] == [what.run for what in amended]


# ---------------------------------------------------------------- removal


async def test_a_removed_run_is_gone_and_leaves_a_tombstone(database: Database) -> None:
    ids = await store(database, run(run_id="a"), run(run_id="b"), run(run_id="c", state="running"))
    async with database.transaction() as connection:
        await runs.remove(connection, ids[0])
        await runs.remove(connection, ids[2])  # was never learned from
        assert (await connection.execute(select(t.runs.c.id))).all() == [(ids[1],)]
        assert (await connection.execute(select(t.run_tombstones.c.id))).all() == [(ids[0],)]
    assert await store(database, run(run_id="a")) != ids[:1]
