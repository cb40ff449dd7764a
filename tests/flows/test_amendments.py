"""Patches that come together: one transaction for many, one answer for each, and none harmed by another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from app.errors import ForerunError, NotFound, RunFinished, TooManyRequests, Unavailable
from app.flows import amendments as module
from app.flows import ingest
from app.flows.amendments import Amendments
from app.flows.bells import Bells
from app.store import runs
from app.store.database import Database, connect
from app.store.runs import Amendment
from app.types import Run, RunPatch


@pytest.fixture
async def bells(database: Database) -> AsyncIterator[Bells]:
    bells = Bells(database, 60.0)
    yield bells
    await bells.rung()


@pytest.fixture
async def running(database: Database, bells: Bells) -> list[UUID]:
    """Runs that are under way."""
    body = {"dataset": "adult", "state": "running", "metrics": {"loss": 3.0}}
    outcomes = await ingest.store(database, [Run.model_validate(body) for _ in range(6)], bells)
    return [outcome.id for outcome in outcomes if outcome.id is not None]


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many patches each transaction held."""
    sizes: list[int] = []

    async def counted(connection: Any, amendments: Sequence[Amendment]) -> list[runs.Amended | Exception]:
        sizes.append(len(amendments))
        if any("poison" in amendment.patch.metrics for amendment in amendments):
            await connection.execute(text("SELECT 1 / 0"))
        return await amend(connection, amendments)

    amend = runs.amend
    monkeypatch.setattr(runs, "amend", counted)
    return sizes


def measured(run: UUID, **metrics: float) -> Amendment:
    return Amendment(run, RunPatch(metrics=metrics))


async def test_patches_that_come_together_share_transactions(
    database: Database, bells: Bells, running: list[UUID], groups: list[int]
) -> None:
    async with Amendments(database, bells) as amendments:
        patched = await asyncio.gather(*(amendments.amend(measured(running[i % 6], **{f"m{i}": i})) for i in range(60)))
    assert [run.id for run in patched] == [running[i % 6] for i in range(60)]
    assert all(f"m{i}" in run.run.metrics for i, run in enumerate(patched))
    assert sum(groups) == 60
    assert len(groups) <= 3


async def test_each_hears_what_became_of_its_own(database: Database, bells: Bells, running: list[UUID]) -> None:
    first, second, *_ = running
    async with Amendments(database, bells) as amendments:
        asked = [
            measured(first, accuracy=0.9),
            measured(uuid4(), accuracy=0.9),
            Amendment(second, RunPatch(resources={"loss": 1.0})),
            Amendment(first, RunPatch(state="completed")),
            measured(first, late=1.0),
            Amendment(second, RunPatch(), reach=[]),
        ]
        answers = await asyncio.gather(*map(amendments.amend, asked), return_exceptions=True)
    kinds = [runs.StoredRun, NotFound, ValidationError, runs.StoredRun, RunFinished, NotFound]
    assert [type(answer) for answer in answers] == kinds


@pytest.mark.usefixtures("groups")
async def test_one_that_cannot_be_stored_harms_no_other(database: Database, bells: Bells, running: list[UUID]) -> None:
    async with Amendments(database, bells) as amendments:
        asked = [measured(run, **{"poison" if i == 2 else "fine": 1.0}) for i, run in enumerate(running)]
        answers = await asyncio.gather(*map(amendments.amend, asked), return_exceptions=True)
        assert [type(answer) for answer in answers].count(runs.StoredRun) == 5
        assert type(answers[2]) is ForerunError
        assert (await amendments.amend(measured(running[2], fine=1.0))).run.metrics["fine"] == 1.0


async def test_the_end_of_a_run_rings(
    database: Database, bells: Bells, running: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[list[int]] = []
    monkeypatch.setattr(bells, "ring_for", lambda projects: rung.append(list(projects)))
    async with Amendments(database, bells) as amendments:
        await amendments.amend(measured(running[0], loss=1.0))
        await amendments.amend(Amendment(running[0], RunPatch(state="completed")))
        await amendments.amend(Amendment(running[0], RunPatch(state="completed")))
    assert [len(projects) for projects in rung] == [0, 1, 0]


async def test_a_client_that_leaves_does_not_disturb_the_others(
    database: Database, bells: Bells, running: list[UUID]
) -> None:
    async with Amendments(database, bells) as amendments:
        leaving, staying = (asyncio.create_task(amendments.amend(measured(run, a=1.0))) for run in running[:2])
        await asyncio.sleep(0)
        leaving.cancel()
        assert (await staying).run.metrics["a"] == 1.0
    assert leaving.cancelled()


async def test_beyond_the_queue_patches_are_refused_at_once(
    database: Database, bells: Bells, running: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    async with Amendments(database, bells) as amendments:
        asked = [asyncio.create_task(amendments.amend(measured(run, a=1.0))) for run in running[:3]]
        answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [runs.StoredRun, runs.StoredRun, TooManyRequests]


async def test_without_a_database_everyone_hears_so(database_url: str, bells: Bells) -> None:
    away = connect("postgresql://nobody@127.0.0.1:1/none", connect_timeout_seconds=2)
    async with Amendments(away, bells) as amendments:
        answers = await asyncio.gather(
            *(amendments.amend(measured(uuid4(), a=1.0)) for _ in range(5)), return_exceptions=True
        )
        assert all(isinstance(answer, Unavailable) for answer in answers)
        amendments._database = back = connect(database_url)
        with pytest.raises(NotFound):
            await amendments.amend(measured(uuid4(), a=1.0))
    await back.close()
    await away.close()
