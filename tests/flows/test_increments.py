"""Between full refits the champion learns on from what is new."""

from __future__ import annotations

from typing import Any

import pytest

from app.config import Settings
from app.flows.refit import MAX_INCREMENTS, may_continue, refit
from app.learn.bundle import from_bytes
from app.learn.train import Trained
from app.store import continuations, meta_learners, projects, refits, segments
from app.store.continuations import Continuation
from app.store.database import Database
from app.store.refits import Refit, Trigger
from app.store.upsert import upsert
from app.types import RunTable, Verdict
from tests.histories import history

PROJECT = "default"


async def post(database: Database, datasets: range, n_runs: int, seed: int) -> int:
    found = [
        stored.run.model_copy(update={"run_id": f"{seed}-{stored.run.run_id}"})
        for stored in history(datasets, n_runs, seed)
    ]
    async with database.transaction() as connection:
        await upsert(connection, found)
        return (await projects.get(connection, PROJECT)).id


async def refitted(database: Database, project_id: int, settings: Settings, trigger: Trigger, **how: Any) -> Refit:
    async with database.transaction() as connection:
        refit_id = (await refits.request(connection, project_id, trigger)).id
        attempt = await refits.start(connection, refit_id)
        assert attempt
    await refit(database, attempt, settings, **how)
    async with database.snapshot() as connection:
        return await refits.get(connection, refit_id)


async def state_of_champion(database: Database, project_id: int) -> Continuation | None:
    async with database.snapshot() as connection:
        return await continuations.of_champion(connection, project_id)


async def test_a_champion_learns_on_from_new_runs_and_then_anew(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    project_id = await post(database, range(6), 30, 0)
    first = await refitted(database, project_id, settings, "new_runs")
    assert (first.state, first.kind, first.n_runs, first.n_new_runs) == ("succeeded", "full", 180, 180)
    await post(database, range(6, 7), 10, 1)
    second = await refitted(database, project_id, settings, "new_runs")
    assert (second.state, second.kind, second.n_runs, second.n_new_runs) == ("succeeded", "incremental", 190, 10)
    async with database.snapshot() as connection:
        champion = (await projects.get(connection, PROJECT)).champion_id
        made = await meta_learners.get(connection, second.meta_learner_id) if second.meta_learner_id else None
        assert made is not None
        assert made.n_datasets == 7
        learner = from_bytes(await meta_learners.load(connection, made.id))
    assert learner.n_runs == 190
    assert "data-6" in learner.folds
    assert champion == (made.id if second.verdict and second.verdict["promoted"] else first.meta_learner_id)
    asked = await refitted(database, project_id, settings, "request")
    assert (asked.kind, asked.n_runs, asked.n_new_runs) == ("full", 190, 190)
    await post(database, range(7, 8), 30, 2)
    assert (await refitted(database, project_id, settings, "new_runs")).kind == "full"  # grown by more than a tenth


class Ways:
    """Stand in for learning: remember what was given."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, list[int]]] = []

    def train(self, table: RunTable, **_: Any) -> Trained:
        return self._trained("full", table, b"state 0")

    def learn_on(self, previous: bytes, state: bytes, table: RunTable, **_: Any) -> Trained:
        return self._trained(f"{previous.decode()} + {state.decode()}", table, f"state {len(self.seen)}".encode())

    def _trained(self, what: str, table: RunTable, state: bytes) -> Trained:
        self.seen.append((what, sorted(int(n) for n in table.targets["n"])))
        content = f"bundle {len(self.seen)}".encode()
        return Trained(content, {}, Verdict(True, "said so"), len(table), 1, state)


async def number(database: Database, *numbers: int) -> int:
    from app.types import Run

    async with database.transaction() as connection:
        given = {"dataset": "d", "state": "completed"}
        await upsert(
            connection, [Run.model_validate({"run_id": f"r{n}", "metrics": {"n": n}, **given}) for n in numbers]
        )
        return (await projects.get(connection, PROJECT)).id


async def test_each_run_is_learned_from_once_however_late_it_commits(database: Database, settings: Settings) -> None:
    patient = settings.model_copy(update={"refit_min_new_fraction": 100.0})
    ways = Ways()
    how = {"train": ways.train, "learn_on": ways.learn_on}
    project_id = await number(database, *range(50))
    await refitted(database, project_id, patient, "new_runs", **how)
    async with database.transaction() as late:
        from app.types import Run

        run = {"dataset": "d", "state": "completed", "run_id": "late", "metrics": {"n": 99}}
        await upsert(late, [Run.model_validate(run)])
        await number(database, 50, 51)
        await refitted(database, project_id, patient, "new_runs", **how)
    await number(database, 52)
    await refitted(database, project_id, patient, "periodic", **how)
    assert ways.seen == [
        ("full", list(range(50))),
        ("bundle 1 + state 0", [50, 51]),
        ("bundle 2 + state 1", [52, 99]),
    ]
    nothing_new = await refitted(database, project_id, patient, "periodic", **how)
    assert (nothing_new.kind, ways.seen[-1]) == ("full", ("full", [*range(53), 99]))


async def test_without_what_an_increment_needs_everything_is_learned_anew(
    database: Database, settings: Settings
) -> None:
    ways = Ways()
    how = {"train": ways.train, "learn_on": ways.learn_on}
    project_id = await number(database, *range(50))
    for damage in (
        "UPDATE continuations SET content = 'torn'",
        "UPDATE continuations SET cluster = 1",  # as after a restore
        "DELETE FROM continuations",
    ):
        await refitted(database, project_id, settings, "request", **how)
        await number(database, 100 + len(ways.seen))
        async with database.transaction() as connection:
            await connection.exec_driver_sql(damage)
        assert (await refitted(database, project_id, settings, "new_runs", **how)).kind == "full"


async def test_only_what_can_be_learned_on_from_is_kept(database: Database, settings: Settings) -> None:
    ways = Ways()
    how = {"train": ways.train, "learn_on": ways.learn_on}
    project_id = await number(database, *range(50))
    for n in range(3):
        await refitted(database, project_id, settings, "new_runs", **how)
        await number(database, 100 + n)
    async with database.snapshot() as connection:
        assert len((await connection.exec_driver_sql("SELECT FROM continuations")).all()) == 1
        assert await segments.n_runs(connection, project_id) == 53


@pytest.mark.parametrize(
    ("n_runs", "n_increments", "fraction", "continues"),
    [
        (1_000, 0, 0.01, True),
        (1_099, 9, 0.01, True),
        (1_100, 0, 0.01, False),
        (900, 0, 0.01, False),
        (1_050, MAX_INCREMENTS, 0.01, False),
        (1_000, 0, 1.0, False),
    ],
)
def test_when_a_champion_may_learn_on(n_runs: int, n_increments: int, fraction: float, continues: bool) -> None:
    before = Continuation(None, "", 1_000, 1_000, n_increments)  # type: ignore[arg-type]  # nobody looks at it
    assert may_continue(before, n_runs, Settings(refit_increment_fraction=fraction)) is continues
