"""Refits whose worker is killed or frozen: taken up again by themselves, once at a time, nothing half-written."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

import psutil
import psycopg
import pytest
from psycopg.rows import dict_row

from app.config import Settings
from app.flows import upkeep
from app.store.database import Database
from app.store.upsert import upsert
from tests.acceptance.service import ROOT
from tests.histories import history

T = TypeVar("T")
LEASE_SECONDS = 10.0
"""More than the process of a refit needs on a busy machine until its first heartbeat."""
SLACK_SECONDS = 40.0


@pytest.fixture
def brisk(settings: Settings) -> Settings:
    changes = {"refit_heartbeat_seconds": 1.0, "refit_lease_seconds": LEASE_SECONDS, "refit_first_runs": 10**9}
    return settings.model_copy(update=changes)


class Crew:
    """Workers as an operator starts them, each with the process of its refit."""

    def __init__(self, settings: Settings) -> None:
        self.environment = {**psutil.Process().environ(), **settings.as_environment()}
        self.workers: list[psutil.Popen] = []

    def start(self) -> psutil.Popen:
        command = [sys.executable, "-c", "from app.worker import *; run_worker(Settings())"]
        self.workers.append(psutil.Popen(command, cwd=ROOT, env=self.environment, stderr=subprocess.DEVNULL))
        return self.workers[-1]

    def end(self) -> None:
        for worker in self.workers:
            for process in family(worker):
                with suppress(psutil.NoSuchProcess):  # it goes with its worker
                    process.kill()
            worker.wait(SLACK_SECONDS)


def family(worker: psutil.Process) -> list[psutil.Process]:
    return [worker, *worker.children(recursive=True)] if worker.is_running() else []


@pytest.fixture
def crew(brisk: Settings) -> Iterator[Crew]:
    crew = Crew(brisk)
    yield crew
    crew.end()


@pytest.fixture
async def requested(database: Database) -> None:
    """A project with a history, whose refit waits."""
    runs = [stored.run.model_copy(update={"project": "p"}) for stored in history(range(4), 15)]
    async with database.transaction() as connection:
        await upsert(connection, runs)
        await upkeep.request_refit(connection, "p")


@pytest.fixture
def look(database_url: str) -> Iterator[Callable[[], dict[str, Any]]]:
    """The one refit, how many run at once, and what there is to serve."""
    statement = """
        SELECT state, attempts, extract(epoch FROM clock_timestamp() - heartbeat_at) AS silence,
            (SELECT count(*) FROM refits WHERE state = 'running') AS running,
            (SELECT count(*) FROM meta_learners) AS learners,
            (SELECT champion_id IS NOT NULL FROM projects) AS serves,
            (SELECT bool_and(checksum = sha256(content)) FROM meta_learners) AS whole
        FROM refits
    """
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as connection:

        def look() -> dict[str, Any]:
            found = connection.execute(statement).fetchone()
            assert found
            assert found["running"] <= 1
            assert found["serves"] == (found["learners"] > 0)
            assert found["whole"] in (None, True)
            return found

        yield look


def until(look: Callable[[], dict[str, Any]], reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + LEASE_SECONDS + SLACK_SECONDS
    while not reached(found := look()):
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


def refitting(crew: Crew, look: Callable[[], dict[str, Any]]) -> list[psutil.Process]:
    """A worker and the process of its refit, which has just begun."""
    worker = crew.start()
    until(look, lambda found: found["state"] == "running")
    deadline = time.monotonic() + SLACK_SECONDS
    while len(both := family(worker)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return both


@pytest.mark.usefixtures("requested")
def test_a_killed_refit_is_taken_up_within_its_lease(crew: Crew, look: Callable[[], dict[str, Any]]) -> None:
    for process in refitting(crew, look):
        with suppress(psutil.NoSuchProcess):  # it goes with its worker
            process.kill()
    crew.start()
    taken = until(look, lambda found: found["attempts"] == 2)
    assert taken["learners"] == 0
    done = until(look, lambda found: found["state"] == "succeeded")
    assert (done["attempts"], done["learners"], done["serves"]) == (2, 1, True)


@pytest.mark.usefixtures("requested")
def test_a_frozen_refit_is_taken_up_and_publishes_nothing_when_it_wakes(
    crew: Crew, look: Callable[[], dict[str, Any]]
) -> None:
    frozen = refitting(crew, look)
    for process in frozen:
        process.suspend()
    crew.start()
    until(look, lambda found: found["attempts"] == 2)
    for process in frozen:
        process.resume()
    done = until(look, lambda found: found["state"] == "succeeded")
    _, late = psutil.wait_procs(frozen[1:], SLACK_SECONDS)  # it learns to its end, or is told that it is late
    assert late == []
    after = look()
    assert (after["attempts"], after["learners"]) == (done["attempts"], 1) == (2, 1)
