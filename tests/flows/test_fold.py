"""Folding, merging and reading back: whatever happens in between, what is read is what is stored."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
import pytest
from sqlalchemy import text

from app.errors import Unavailable
from app.featurise import segment
from app.featurise.frame import run_table
from app.flows import fold as story
from app.flows.fold import read, to_merge
from app.store import projects, runs, segments
from app.store.database import Database
from app.store.segments import Segment
from app.store.upsert import upsert
from app.types import Run, RunPatch, RunTable
from tests.featurise.test_segment import assert_same
from tests.histories import stored


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of a few runs."""
    for name, value in {"FEWEST": 1, "LARGEST": 20, "AT_ONCE": 12, "STEP": 5}.items():
        monkeypatch.setattr(story, name, value)


def a_run(number: int, **changes: Any) -> Run:
    known = {"hyperparameters": {"lr": 0.1 * number, "kind": "abc"[number % 3]}, "metrics": {"accuracy": number / 100}}
    document = {"project": "p", "run_id": f"r{number}", "dataset": f"d{number % 3}", "state": "completed", **known}
    return Run.model_validate({**document, **changes})


async def post(database: Database, *incoming: Run) -> list[UUID]:
    async with database.transaction() as connection:
        return [outcome.id for outcome in await upsert(connection, incoming) if outcome.id]


@pytest.fixture
async def project_id(database: Database) -> int:
    await post(database, *(a_run(n) for n in range(10)))
    async with database.snapshot() as connection:
        return (await projects.get(connection, "p")).id


async def settled(database: Database, project_id: int) -> None:
    """Wait for older transactions to end: tests share a server, all of whose databases hold folds back."""
    query = "SELECT max(written) < pg_snapshot_xmin(pg_current_snapshot()) FROM runs WHERE project_id = :id"
    async with asyncio.timeout(60):
        while True:
            async with database.transaction() as connection:
                if await connection.scalar(text(query), {"id": project_id}) is not False:
                    return
            await asyncio.sleep(0.05)


async def fold(database: Database, project_id: int) -> int:
    await settled(database, project_id)
    return await story.fold(database, project_id)


async def learned(database: Database, project_id: int, cache: Path | None = None) -> RunTable:
    history = await read(database, project_id, cache)
    return segment.run_table(history.runs, history.meta_features)


async def from_rows(database: Database, project_id: int) -> RunTable:
    async with database.snapshot() as connection:
        return run_table([stored(run) async for run in runs.history(connection, project_id)], {})


async def listed(database: Database, project_id: int) -> list[Segment]:
    async with database.snapshot() as connection:
        return await segments.listed(connection, project_id)


def cached(cache: Path) -> list[Path]:
    return [*cache.iterdir()]


async def n_runs(database: Database, project_id: int) -> int:
    async with database.snapshot() as connection:
        return await segments.n_runs(connection, project_id)


async def test_what_is_folded_in_parts_reads_as_the_rows_do(
    database: Database, project_id: int, tmp_path: Path
) -> None:
    for first in (10, 23, 24, 60):
        assert_same(await learned(database, project_id, tmp_path), await from_rows(database, project_id))
        await post(database, *(a_run(n) for n in range(first, first + 13)))
        await fold(database, project_id)
        assert_same(await learned(database, project_id), await from_rows(database, project_id))
        assert_same(await learned(database, project_id, tmp_path), await from_rows(database, project_id))
    assert await n_runs(database, project_id) == 50
    found = await listed(database, project_id)
    assert sum(each.n_runs for each in found) == 50
    assert await fold(database, project_id) == 0
    assert {file.stem for file in cached(tmp_path)} == {each.checksum.hex() for each in found}


async def test_a_short_tail_is_left_alone(database: Database, project_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "FEWEST", 11)
    assert await fold(database, project_id) == 0
    assert await listed(database, project_id) == []
    assert await n_runs(database, project_id) == 10


async def test_a_commit_that_comes_late_is_not_lost(database: Database, project_id: int) -> None:
    """An older transaction than those that were folded commits after they were."""
    await settled(database, project_id)
    async with database.transaction() as late:
        await upsert(late, [a_run(50)])
        await post(database, a_run(51), a_run(52))
        assert await story.fold(database, project_id) == 10  # what was written after it waits with it
        assert len(await learned(database, project_id)) == 12
        assert await n_runs(database, project_id) == 12
    assert len(await learned(database, project_id)) == 13
    assert await fold(database, project_id) == 3
    assert_same(await learned(database, project_id), await from_rows(database, project_id))


async def test_a_run_that_ends_late_is_folded_when_it_ends(database: Database, project_id: int) -> None:
    [id_] = await post(database, a_run(50, state="running", metrics={}))
    await fold(database, project_id)
    async with database.transaction() as connection:
        patch = RunPatch(state="completed", metrics={"accuracy": 0.9})
        await runs.amend(connection, [runs.Amendment(id_, patch)])
    assert len(await learned(database, project_id)) == 11
    assert await fold(database, project_id) == 1
    assert_same(await learned(database, project_id), await from_rows(database, project_id))


async def test_a_correction_counts_in_its_last_version(database: Database, project_id: int) -> None:
    await fold(database, project_id)
    for value in (0.7, 0.8):
        async with database.transaction() as connection:
            correction = "UPDATE runs SET metrics = jsonb_build_object('accuracy', :value) WHERE run_id = 'r3'"
            await connection.execute(text(correction), {"value": value})
        table = await learned(database, project_id)
        assert_same(table, await from_rows(database, project_id))
        assert value in table.targets["accuracy"]
        await fold(database, project_id)
        assert_same(await learned(database, project_id), await from_rows(database, project_id))


@pytest.mark.parametrize("before", [True, False])
async def test_a_deleted_run_teaches_no_more_and_its_id_may_come_again(
    database: Database, project_id: int, before: bool
) -> None:
    await fold(database, project_id)
    [id_] = await post(database, a_run(60))
    if before:
        await fold(database, project_id)
    async with database.transaction() as connection:
        await runs.remove(connection, id_)
    assert await n_runs(database, project_id) == 10
    assert_same(await learned(database, project_id), await from_rows(database, project_id))
    await post(database, a_run(60, metrics={"accuracy": 0.99}))
    await fold(database, project_id)
    assert_same(await learned(database, project_id), await from_rows(database, project_id))
    async with database.snapshot() as connection:
        assert await segments.deleted(connection, project_id) == []
    assert sum(each.n_runs for each in await listed(database, project_id)) == 11


async def test_rows_that_make_room_go_on_teaching(database: Database, project_id: int) -> None:
    before = await learned(database, project_id)
    await fold(database, project_id)
    async with database.transaction() as connection:
        await connection.execute(text("SELECT set_config('forerun.keep_segments', 'on', true)"))
        await connection.execute(text("DELETE FROM runs WHERE project_id = :id"), {"id": project_id})
    assert_same(await learned(database, project_id), before)
    assert await n_runs(database, project_id) == 10


async def test_a_fold_that_dies_leaves_everything_as_it_was(
    database: Database, project_id: int, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await learned(database, project_id)

    def die(*_: Any) -> bytes:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("""
                SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
            """)
        return b"torn"

    with monkeypatch.context() as dying:
        dying.setattr(segment, "to_bytes", die)
        with pytest.raises(Unavailable):
            await fold(database, project_id)
    assert await listed(database, project_id) == []
    assert_same(await learned(database, project_id), before)
    assert await fold(database, project_id) == 10
    assert_same(await learned(database, project_id), before)


async def test_folds_at_once_fold_every_run_once(database: Database, project_id: int) -> None:
    await post(database, *(a_run(n) for n in range(10, 40)))
    assert sum(await asyncio.gather(*(fold(database, project_id) for _ in range(4)))) == 40
    assert sum(each.n_runs for each in await listed(database, project_id)) == 40
    assert_same(await learned(database, project_id), await from_rows(database, project_id))


async def test_a_damaged_segment_is_folded_anew(database: Database, project_id: int) -> None:
    await fold(database, project_id)
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE run_segments SET content = 'torn'"))
    assert_same(await learned(database, project_id), await from_rows(database, project_id))
    await fold(database, project_id)
    assert_same(await learned(database, project_id), await from_rows(database, project_id))
    assert await n_runs(database, project_id) == 10


async def test_a_history_that_moved_to_another_cluster_is_folded_anew(database: Database, project_id: int) -> None:
    """As after a restore: the transactions' numbers are of another cluster, and may be far ahead."""
    await fold(database, project_id)
    await post(database, a_run(70))
    async with database.transaction() as connection:
        await connection.execute(text("ALTER TABLE runs DISABLE TRIGGER USER"))
        await connection.execute(text("UPDATE runs SET written = '1000000000000' WHERE run_id IN ('r1', 'r70')"))
        await connection.execute(text("ALTER TABLE runs ENABLE TRIGGER USER"))
        await connection.execute(text("UPDATE run_folds SET cluster = 1, horizon = '999999999999'"))
    await post(database, a_run(71))
    assert_same(await learned(database, project_id), await from_rows(database, project_id))
    await story.fold(database, project_id)
    assert_same(await learned(database, project_id), await from_rows(database, project_id))
    await settled(database, project_id)  # else r1, written anew, counts twice: somebody's transaction holds it back
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE run_folds SET cluster = 1"))
    await story.fold(database, project_id)
    assert_same(await learned(database, project_id), await from_rows(database, project_id))
    assert await n_runs(database, project_id) == 12


@pytest.mark.parametrize(
    ("sizes", "merged"),
    [
        ([], []),
        ([5], []),
        ([5, 5], [5, 5]),
        ([10, 5], []),
        ([9, 5], [9, 5]),
        ([20, 9, 5, 3, 1], []),
        ([20, 9, 4, 2, 1, 1], [9, 4, 2, 1, 1]),
        ([20, 12, 9], []),
        ([3, 20, 1, 1], [1, 1]),
    ],
)
def test_which_segments_are_merged(sizes: list[int], merged: list[int]) -> None:
    found = [Segment(i, n, 0, b"", i) for i, n in enumerate(sizes)]
    chosen = [each.n_runs for each in to_merge(found)]
    assert (chosen if len(chosen) > 1 else []) == merged


def test_few_small_segments_remain_and_a_run_is_rewritten_a_few_times() -> None:
    rng, sizes, rewritten = np.random.default_rng(0), list[int](), 0
    for _ in range(2_000):
        sizes.append(int(rng.integers(1, 4)))
        while len(chosen := to_merge([Segment(i, n, 0, b"", i) for i, n in enumerate(sizes)])) > 1:
            sizes[-len(chosen) :] = [sum(each.n_runs for each in chosen)]
            rewritten += sizes[-1]
        assert sum(n < 10 for n in sizes) <= 5
    assert rewritten < 10 * sum(sizes)
