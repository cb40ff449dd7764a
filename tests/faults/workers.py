"""Workers killed (-9) again and again under refits: none is lost, and none is done twice.

A few projects get a run now and then, each of which makes its project due at once; three workers refit them, and one
after the other is killed in the middle of whatever it does, half of the time together with the process of its refit. A
new one takes its place. In the end everything that was posted must have been learned from, every refit have ended well,
and no two refits of a project have learned from the same runs, or at the same time.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
import psycopg
from psycopg.rows import class_row

from app.flows.bells import Bells
from app.flows.ingest import store
from app.store.database import connect
from app.store.embedded import embedded_postgres
from app.store.migrate import migrate
from app.types import Run
from tests.faults.cluster import Cluster, cluster, n_refitting
from tests.histories import history
from tests.servers import directory

N_WORKERS, N_PROJECTS = 3, 5
SETTLE_SECONDS, WAIT_SECONDS = 600.0, 8.0
BREATH, BREATH_SECONDS = 10, 60.0
"""After so many kills, so long without one (at most): some refits are to end, and their projects to be due again."""
SETTINGS = {
    "FORERUN_REFIT_DELAY_SECONDS": "0",
    "FORERUN_REFIT_FIRST_RUNS": "1",
    "FORERUN_REFIT_MIN_NEW_RUNS": "1",
    "FORERUN_REFIT_MIN_NEW_FRACTION": "0",
    "FORERUN_REFIT_HEARTBEAT_SECONDS": "1",
    "FORERUN_REFIT_LEASE_SECONDS": "5",
    "FORERUN_REFIT_MAX_ATTEMPTS": "1000",
    "FORERUN_REFIT_THREADS": "1",
    "FORERUN_LOG_LEVEL": "error",
}


@dataclass(frozen=True)
class Refit:
    """As it is in the table."""

    project: str
    state: str
    attempts: int
    n_runs: int
    n_learners: int
    started_at: datetime
    finished_at: datetime


@dataclass(frozen=True)
class Findings:
    """What is wrong, in words; both are empty when every promise was kept."""

    lost: list[str]
    doubled: list[str]


def judge(refits: Sequence[Refit], n_runs: dict[str, int]) -> Findings:
    """Of the refits in the end, and the number of runs that each project got."""
    lost = [f"a refit of {refit.project} ended as {refit.state}" for refit in refits if refit.state != "succeeded"]
    doubled = [f"{refit.n_learners} from one refit of {refit.project}" for refit in refits if refit.n_learners != 1]
    for project, posted in n_runs.items():
        own = sorted((refit for refit in refits if refit.project == project), key=lambda refit: refit.started_at)
        if (learned := max((refit.n_runs for refit in own), default=0)) < posted:
            lost.append(f"{posted - learned} runs of {project} were never learned from")
        again = [n for n, times in Counter(refit.n_runs for refit in own).items() if times > 1]
        doubled += [f"{project} was refitted again with the same {n} runs" for n in again]
        overlapping = [1 for before, after in pairwise(own) if after.started_at < before.finished_at]
        doubled += [f"two refits of {project} at once"] * len(overlapping)
    return Findings(lost, doubled)


_REFITS = """
    SELECT projects.name AS project, refits.state, attempts, coalesce(refits.n_runs, 0) AS n_runs, started_at,
        coalesce(finished_at, now()) AS finished_at,
        (SELECT count(*) FROM meta_learners WHERE id = refits.meta_learner_id)::int AS n_learners
    FROM refits JOIN projects ON projects.id = refits.project_id
"""


def refits_in(url: str) -> list[Refit]:
    with psycopg.connect(url) as connection:
        return connection.cursor(row_factory=class_row(Refit)).execute(_REFITS).fetchall()


# ---------------------------------------------------------------- the campaign


class Poster:
    """Posts runs to one project or another, and knows how many each has got."""

    def __init__(self, url: str, rng: np.random.Generator) -> None:
        self._url, self._rng = url, rng
        self._spare = {f"p{n}": [stored.run for stored in history(range(4), 60, seed=n)] for n in range(N_PROJECTS)}
        self.n_runs = dict.fromkeys(self._spare, 0)
        for project in self._spare:
            self._post(project, 40)

    def post(self) -> None:
        self._post(str(self._rng.choice(list(self._spare))), 1)

    def _post(self, project: str, n: int) -> None:
        runs = [self._spare[project].pop().model_copy(update={"project": project}) for _ in range(n)]
        self.n_runs[project] += n
        asyncio.run(self._store([run.model_copy(update={"run_id": f"{project}-{len(self._spare[project])}-{i}"})
                                 for i, run in enumerate(runs)]))  # fmt: skip

    async def _store(self, runs: list[Run]) -> None:
        database = connect(self._url)
        bells = Bells(database, 0.0)
        outcomes = await store(database, runs, bells)
        await bells.rung()
        await database.close()
        assert {outcome.status for outcome in outcomes} == {"created"}


def campaign(kills: int, seed: int = 0) -> str:
    """Raises: AssertionError on a broken promise."""
    rng = np.random.default_rng(seed)
    with directory() as home, embedded_postgres(home) as url, tempfile.NamedTemporaryFile() as log:
        migrate(url)
        with cluster(Path(log.name), 0, N_WORKERS, FORERUN_DATABASE_URL=url, **SETTINGS) as made:
            poster = Poster(url, rng)
            under_way = 0
            for kill in range(kills):
                if kill % BREATH == BREATH - 1:
                    _until_settled(url, poster.n_runs, BREATH_SECONDS)
                poster.post()
                _wait_for_a_refit(made, 0.0 if rng.uniform() < 0.25 else WAIT_SECONDS)
                time.sleep(float(rng.uniform(0.0, 3.0)))
                under_way += _kill_one(made, rng)
                made.launch_worker()
            settled = _until_settled(url, poster.n_runs)
        refits = refits_in(url)
    found = judge(refits, poster.n_runs)
    lines = (
        f"{kills} kills of workers, {under_way} of them in the middle of a refit; {sum(poster.n_runs.values())} runs, "
        f"{len(refits)} refits in {sum(refit.attempts for refit in refits)} attempts, {len(found.lost)} lost, "
        f"{len(found.doubled)} doubled; all was learned {settled:.0f} s after the last kill",
        *found.lost,
        *found.doubled,
    )
    assert not found.lost + found.doubled, lines
    return "\n".join(lines)


def _wait_for_a_refit(made: Cluster, seconds: float) -> None:
    """Most kills are meant to hit one: workers take longer to start than to be killed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not any(map(n_refitting, made.workers)):
        time.sleep(0.05)


def _kill_one(made: Cluster, rng: np.random.Generator) -> bool:
    """One that refits where there is one, mostly; whether it was in the middle of a refit."""
    busy = [worker for worker in made.workers if n_refitting(worker)]
    candidates = busy if busy and rng.uniform() < 0.75 else made.workers
    worker = candidates[int(rng.integers(len(candidates)))]
    hit = n_refitting(worker) > 0
    if rng.uniform() < 0.5:
        with suppress(psutil.NoSuchProcess):
            for process in worker.children():
                process.kill()
    made.kill_worker(worker)
    return hit


def _until_settled(url: str, n_runs: dict[str, int], at_most: float = SETTLE_SECONDS) -> float:
    """Seconds until no refit is under way and all runs have been learned from; returns late rather than never."""
    began = time.monotonic()
    while time.monotonic() - began < at_most:
        refits = refits_in(url)
        learned = {project: max((r.n_runs for r in refits if r.project == project), default=0) for project in n_runs}
        if learned == n_runs and all(refit.state in ("succeeded", "failed") for refit in refits):
            break
        time.sleep(0.2)
    return time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.workers", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    sys.stdout.write(campaign(given.kills, given.seed) + "\n")


if __name__ == "__main__":
    main()
