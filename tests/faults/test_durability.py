"""The short campaign, and the checker that judges it: it must see each way in which a promise can be broken."""

from __future__ import annotations

import psycopg
import pytest

from app.store.database import Database
from app.store.upsert import upsert
from app.types import Run
from tests.faults.campaign import RETURN_SECONDS, Outcome, Recovery, campaign
from tests.faults.checker import Findings, check, stored
from tests.faults.clients import Load
from tests.faults.ledger import Ledger, made_up

KILLS, RUNS, SEED = 20, 5_000, 6


def test_what_is_acknowledged_survives_whatever_is_killed() -> None:
    outcome = campaign(KILLS, RUNS, SEED, Load(shares=(0.7, 0.15, 0.15), batch=40, rest_seconds=0.02), n_clients=4)
    assert not outcome.findings, outcome.findings
    assert outcome.ledger.surprises == []
    assert outcome.not_duplicate == 0
    assert outcome.ledger.n_acknowledged() >= RUNS
    assert outcome.ledger.n_cut
    assert {kind: len(times) for kind, times in outcome.recoveries.items()} == {
        "api": 2, "worker": 2, "postmaster": 6, "backend": 10
    }  # fmt: skip
    assert len(outcome.returns) == 16


def test_a_slow_return_is_a_broken_promise() -> None:
    """What the long campaign fails on; here nothing is timed."""
    quick, slow = Recovery(9.0, RETURN_SECONDS - 1), Recovery(9.0, RETURN_SECONDS + 1)
    for recoveries, n_broken in (([quick, quick], 0), ([quick, slow], 1)):
        outcome = Outcome(Ledger(), Findings([], [], [], []), 0, {"api": [Recovery(9.0, None)], "backend": recoveries})
        assert len(outcome.broken_promises) == n_broken
        assert "worst" in str(outcome)


@pytest.fixture
async def ledger(database: Database) -> Ledger:
    """Ten acknowledged runs that are all stored, one that is not acknowledged and stored, and one that is neither."""
    ledger = Ledger()
    runs = [made_up(SEED, 0, number) for number in range(12)]
    ledger.sent(runs)
    async with database.transaction() as connection:
        outcomes = await upsert(connection, [Run.model_validate(run) for run in runs[:11]])
    ledger.acknowledged(runs[:10], [str(outcome.id) for outcome in outcomes[:10]], 0.0, 0.0)
    return ledger


def test_the_checker_finds_nothing_where_nothing_is_wrong(ledger: Ledger, database_url: str) -> None:
    assert check(ledger, stored(database_url)) == Findings([], [], [], [])


VICTIM = "client0-3"
PLANTED: dict[str, tuple[str, str]] = {
    "lost": ("lost", "DELETE FROM runs WHERE run_id = %(victim)s"),
    "doubled": (
        "doubled",
        """ALTER TABLE runs DROP CONSTRAINT runs_project_id_run_id_key;
        INSERT INTO runs (project_id, run_id, dataset_id, state, hyperparameters, metrics, digest)
        SELECT project_id, run_id, dataset_id, state, hyperparameters, metrics, digest
        FROM runs WHERE run_id = %(victim)s""",
    ),
    "content": ("changed", "UPDATE runs SET metrics = '{\"accuracy\": 0.1}' WHERE run_id = %(victim)s"),
    "identity": ("changed", "UPDATE runs SET id = uuidv7() WHERE run_id = %(victim)s"),
    "never sent": ("unexpected", "UPDATE runs SET run_id = 'stranger' WHERE run_id = 'client0-10'"),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_the_checker_catches_a_planted_fault(ledger: Ledger, database_url: str, fault: str) -> None:
    kind, statements = PLANTED[fault]
    with psycopg.connect(database_url) as connection:
        for statement in statements.split(";"):
            connection.execute(statement, {"victim": VICTIM} if "%(victim)s" in statement else None)
    found = check(ledger, stored(database_url))
    assert found
    assert getattr(found, kind) == ["stranger" if kind == "unexpected" else VICTIM]
