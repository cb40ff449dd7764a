"""A campaign: a whole service under load, a seeded schedule of kills, and what the checker finds afterwards."""

from __future__ import annotations

import signal
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import psutil
import psycopg

from app.store.embedded import embedded_postgres
from tests.acceptance.service import Service, service
from tests.faults.checker import Findings, check, stored
from tests.faults.clients import Client, Load, request
from tests.faults.ledger import Body, Ledger, made_up

KINDS = (*("api", "worker"), *("postmaster",) * 3, *("backend",) * 5)
"""In these shares."""
RECOVERY_SECONDS = 180.0
"""Until which it must be well again for the campaign to go on, however busy the machine is."""
RETURN_SECONDS = 5.0
"""Promised: from the moment that PostgreSQL takes connections again until a run is taken."""
T = TypeVar("T")
NO_REFITS = {"FORERUN_REFIT_FIRST_RUNS": "1000000000"}
"""They have tests of their own; here they would only take the time of what is measured."""


@dataclass(frozen=True)
class Recovery:
    """How long it took after a kill until a run was taken again, seconds."""

    seconds: float
    since_database: float | None
    """The part of it when PostgreSQL took connections already; None where it was not PostgreSQL that was killed."""


@dataclass
class Outcome:
    """What came of a campaign."""

    ledger: Ledger
    findings: Findings
    not_duplicate: int
    """Acknowledged runs that were not answered as duplicates when all of them were posted once more."""
    recoveries: dict[str, list[Recovery]] = field(default_factory=lambda: defaultdict(list))

    @property
    def returns(self) -> list[float]:
        """After each kill of PostgreSQL: from its first connection to the first run that was taken, seconds."""
        recoveries = (recovery for kind in self.recoveries.values() for recovery in kind)
        return [recovery.since_database for recovery in recoveries if recovery.since_database is not None]

    @property
    def broken_promises(self) -> list[str]:
        """In words; none when all is well."""
        told = {
            "the table is not what was acknowledged": self.findings,
            "an acknowledged run was no duplicate when it was posted again": self.not_duplicate,
            "an answer that nothing justifies": self.ledger.surprises,
            f"a run was taken more than {RETURN_SECONDS:.0f} s after PostgreSQL was back": (
                max(self.returns, default=0.0) > RETURN_SECONDS
            ),
        }
        return [words for words, broken in told.items() if broken]

    def __str__(self) -> str:
        ledger, found = self.ledger, self.findings
        kills = sum(map(len, self.recoveries.values()))
        line = (
            f"{ledger.n_requests} requests, {ledger.n_acknowledged()} acknowledged, {len(found.lost)} lost, "
            f"{len(found.doubled)} doubled, {len(found.changed)} changed, {kills} kills, "
            f"{ledger.n_cut} cut connections, worst outage {ledger.longest_silence():.1f} s"
        )
        times = [f"  {kind}: {_times([r.seconds for r in each])}" for kind, each in sorted(self.recoveries.items())]
        back = f"from PostgreSQL taking connections to a run being taken: {_times(self.returns)}"
        return "\n".join([line, "recovery after a kill of", *times, back])


def _times(seconds: list[float]) -> str:
    if not seconds:
        return "never"
    return f"median {statistics.median(seconds):.1f} s, worst {max(seconds):.1f} s ({len(seconds)})"


def campaign(kills: int, runs: int, seed: int, load: Load, n_clients: int = 6) -> Outcome:
    """Raises: AssertionError when the service does not come back."""
    ledger, stop = Ledger(), threading.Event()
    recoveries: dict[str, list[Recovery]] = defaultdict(list)
    with service(FORERUN_LOG_LEVEL="error", **NO_REFITS) as made, embedded_postgres(made.data_dir) as url:
        made.start()
        clients = [Client(n, seed, made.port, load, ledger, stop) for n in range(n_clients)]
        for client in clients:
            client.start()
        target = _Target(made, url, ledger)
        try:
            for kind, pause in _schedule(kills, seed):
                time.sleep(pause)
                recoveries[kind].append(target.recovery_after(kind))
            while ledger.n_acknowledged() < runs:
                time.sleep(0.1)
        finally:
            stop.set()
        for client in clients:
            client.join(RECOVERY_SECONDS)
        not_duplicate = _post_all_again(made, ledger, seed)
        findings = check(ledger, stored(url))
        assert made.signal(signal.SIGTERM) == 0
    return Outcome(ledger, findings, not_duplicate, recoveries)


def _schedule(kills: int, seed: int) -> Iterator[tuple[str, float]]:
    """What is killed, and how long after everything was well again."""
    rng = np.random.default_rng(seed)
    kinds = rng.permutation([KINDS[i % len(KINDS)] for i in range(kills)])
    for kind in kinds:
        yield str(kind), float(rng.uniform(0.05, 0.4))


@dataclass
class _Target:
    """The parts of a service, each to be killed -9."""

    made: Service
    url: str
    ledger: Ledger

    def recovery_after(self, kind: str) -> Recovery:
        """Kill, and wait for the first good answer."""
        worker = self._newest_worker()
        started = time.monotonic()
        getattr(self, f"_kill_{kind}")()
        if kind == "worker":
            return Recovery(
                _until(lambda: time.monotonic() if self._newest_worker() > worker else None) - started, None
            )
        killed = time.monotonic()
        back = _until(lambda: time.monotonic() if self._answers() else None) if kind != "api" else None
        answered = _until(lambda: self.ledger.first_answer_after(killed))
        return Recovery(answered - started, None if back is None else max(answered - back, 0.0))

    def _kill_api(self) -> None:
        self.made.signal(signal.SIGKILL)
        self.made.launch()

    def _kill_worker(self) -> None:
        _until(self._worker).kill()

    def _kill_postmaster(self) -> None:
        postmaster = self._postmaster()
        backends = postmaster.children()
        postmaster.kill()
        psutil.wait_procs([postmaster, *backends], RECOVERY_SECONDS)  # one that is left may still commit and answer

    def _kill_backend(self) -> None:
        """One of those that serve a client, if there is one; PostgreSQL then ends all of them and recovers."""
        postmaster = self._postmaster()
        backends = [child for child in postmaster.children() if _serves_a_client(child)]
        victims = backends[:1] or [postmaster]
        with suppress(psutil.NoSuchProcess):  # it ended by itself in this moment
            victims[0].kill()
        psutil.wait_procs(victims, RECOVERY_SECONDS)

    def _worker(self) -> psutil.Process | None:
        return next((process for process in self.made.processes() if "worker" in process.cmdline()), None)

    def _postmaster(self) -> psutil.Process:
        file = Path(self.made.data_dir, "postgres", "data", "postmaster.pid")

        def living() -> psutil.Process | None:
            try:
                return psutil.Process(int(file.read_text().split("\n", 1)[0]))
            except (OSError, ValueError, psutil.NoSuchProcess):
                return None  # about to be started again

        return _until(living)

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url, connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _newest_worker(self) -> int:
        """Counts the workers that ever reported at the queue; as many as before while PostgreSQL is away."""
        try:
            with psycopg.connect(self.url, connect_timeout=2) as connection:
                row = connection.execute("SELECT last_value FROM procrastinate_workers_id_seq").fetchone()
                return int(row[0]) if row else 0
        except psycopg.OperationalError:
            return -1


def _serves_a_client(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return "forerun postgres" in "".join(process.cmdline())  # user and database, in its title
    return False


def _until(found: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + RECOVERY_SECONDS
    while not (result := found()):
        assert time.monotonic() < deadline, "the service did not come back"
        time.sleep(0.01)
    return result


def _post_all_again(made: Service, ledger: Ledger, seed: int) -> int:
    """Post every acknowledged run once more; gives how many are no duplicates then."""
    names = [run_id for run_id, entry in ledger.entries.items() if entry.acknowledged]
    not_duplicate = 0
    with made.client() as client:
        for start in range(0, len(names), 1000):
            path, headers, body = request("batch", [_rebuilt(name, seed) for name in names[start : start + 1000]])
            answer = client.post(path, headers=headers, content=body)
            assert answer.status_code == 200, answer.text
            not_duplicate += sum(result["status"] != "duplicate" for result in answer.json()["results"])
    return not_duplicate


def _rebuilt(run_id: str, seed: int) -> Body:
    client, number = run_id.removeprefix("client").split("-")
    return made_up(seed, int(client), int(number))
