"""Three API processes and three workers on one database; some are killed, and it stays one consistent service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.faults.cluster import Api, Cluster, cluster, n_refitting
from tests.histories import SPACE, history, meta_features

LEASE_SECONDS = 10.0
"""More than the process of a refit needs on a busy machine until its first heartbeat."""
SLACK_SECONDS = 60.0
QUESTION = {
    "project": "p",
    "dataset": {"name": "data-5", "meta_features": meta_features(5)},
    "objectives": [{"metric": "accuracy", "direction": "maximize"}],
    "search_space": SPACE,
}
RUNS: list[dict[str, Any]] = [
    {**stored.run.model_dump(mode="json", exclude_unset=True), "project": "p", "run_id": f"r{n}"}
    for n, stored in enumerate(history(range(4), 15))
]


@pytest.fixture
def three(database_url: str, tmp_path: Path) -> Iterator[Cluster]:
    settings = {
        "FORERUN_DATABASE_URL": database_url,
        "FORERUN_REFIT_DELAY_SECONDS": "0",
        "FORERUN_REFIT_FIRST_RUNS": str(len(RUNS)),
        "FORERUN_REFIT_HEARTBEAT_SECONDS": "1",
        "FORERUN_REFIT_LEASE_SECONDS": str(LEASE_SECONDS),
        "FORERUN_REFIT_THREADS": "1",
        "FORERUN_LOG_LEVEL": "warning",
    }
    with cluster(tmp_path / "log", 3, 3, **settings) as made:
        yield made


def test_one_service(three: Cluster, database_url: str) -> None:
    post_through_all(three.apis)
    assert all(version(api) is None for api in three.apis)
    refitting = [until(lambda: next(filter(n_refitting, three.workers), None))]
    idle = next(worker for worker in three.workers if worker not in refitting)
    for worker in (*refitting, idle):
        three.kill_worker(worker)
    three.apis[0].kill()
    three.restart(three.apis[0])
    until(lambda: three.apis[1].client.get("/v1/projects/p").json()["meta_learner_id"])
    assert [version(api) for api in three.apis] == [1, 1, 1]  # whoever is asked, from the moment that one knows
    with psycopg.connect(database_url) as connection:
        refits = connection.execute("SELECT state, attempts, n_runs FROM refits").fetchall()
        assert refits == [("succeeded", 2, len(RUNS))]
        assert connection.execute("SELECT version FROM meta_learners").fetchall() == [(1,)]


def post_through_all(apis: list[Api]) -> None:
    """Each of them takes some of the runs, and the others know of them at once and take no second copy."""
    for n, run in enumerate(RUNS[:-1]):
        api, other = apis[n % 3], apis[(n + 1) % 3]
        receipt = api.client.post("/v1/runs", json=run).json()
        assert receipt["status"] == "created"
        if n < 6:
            assert other.client.get(f"/v1/runs/{receipt['id']}").json()["run_id"] == run["run_id"]
            assert other.client.post("/v1/runs", json=run).json() == receipt | {"status": "duplicate"}
    counts = [len(api.client.get("/v1/runs", params={"project": "p"}).json()["runs"]) for api in apis]
    assert counts == [len(RUNS) - 1] * 3
    assert apis[2].client.post("/v1/runs", json=RUNS[-1]).status_code == 201  # this one makes a refit due


def version(api: Api) -> int | None:
    """Of the champion that answers."""
    answer = api.client.post("/v1/recommend", json=QUESTION)
    assert answer.status_code == 200, answer.text
    champion = answer.json()["meta_learner"]
    return champion and int(champion["version"])


def until(found: Any) -> Any:
    deadline = time.monotonic() + LEASE_SECONDS + SLACK_SECONDS
    while not (result := found()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return result
