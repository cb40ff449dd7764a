"""Every input of the corpus is answered as it must be, and leaves a service that is as well as before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.hostile import corpus
from tests.hostile.inputs import SLOWEST_SECONDS, Answer, faults_in, inputs, send
from tests.hostile.served import Served

INPUTS = inputs()
MAX_GROWTH_BYTES = 200 * 2**20


def test_the_corpus_is_what_its_generator_writes() -> None:
    """Otherwise: `python -m tests.hostile.corpus`."""
    assert corpus.CORPUS.read_text() == corpus.lines()
    assert len({one["name"] for one in INPUTS}) == len(INPUTS) >= 250


@pytest.fixture(scope="module")
def memory_before(victim: Served, running_run: str) -> int:
    """Once all is imported and compiled, and after one good request of each kind."""
    victim.settle()
    assert_well(victim)
    return victim.memory()


@pytest.mark.parametrize("given", INPUTS, ids=[one["name"] for one in INPUTS])
def test_an_input_is_answered_as_it_must_be(
    given: dict[str, Any], victim: Served, running_run: str, memory_before: int
) -> None:
    answer = at_its_best(given, victim, running_run)
    assert not faults_in(given, answer), answer.body[:600]
    if "again" in given:
        assert send(given, victim.address).status in (given["again"], 201)


def at_its_best(given: dict[str, Any], victim: Served, running_run: str) -> Answer:
    """The first answer, but the quickest time of three where it was slow: a machine that is busy has not hung."""
    answer = send(given, victim.address, running_run)
    slow = answer.seconds > SLOWEST_SECONDS
    again = [send(given, victim.address, running_run).seconds for _ in range(2)] if slow else []
    return replace(answer, seconds=min(answer.seconds, *again)) if again else answer


def test_the_service_is_as_well_as_before(victim: Served, memory_before: int) -> None:
    assert_well(victim)
    assert victim.memory() - memory_before < MAX_GROWTH_BYTES
    assert b"unexpected error" not in victim.log.read_bytes()
    with victim.client() as client:
        assert "forerun_unexpected_errors_total 0.0" in client.get("/metrics").text


def assert_well(victim: Served) -> None:
    """A run is stored and read back, and a question about it is answered."""
    run = {"project": "well", "run_id": "r", "dataset": "d", "state": "completed", "metrics": {"m": 0.5}}
    question = {
        "project": "well",
        "dataset": "d",
        "objectives": [{"metric": "m", "direction": "maximize"}],
        "search_space": {"parameters": {"x": [1, 2, 3]}},
    }
    with victim.client() as client:
        stored = client.post("/v1/runs", json=run).raise_for_status().json()
        assert client.get(f"/v1/runs/{stored['id']}").json()["metrics"] == run["metrics"]
        answer = client.post("/v1/recommend", json=question).raise_for_status().json()
        assert sorted(one["configuration"]["x"] for one in answer["configurations"]) == [1, 2, 3]
