"""How soon a refit follows the run that makes it due, and what it costs those who post meanwhile.

*From commit to start*: `FORERUN_REFIT_DELAY_SECONDS=0`, a project that one run makes due (each time another one), a
worker that listens. From the answer to that run, which comes after its commit, to `started_at` of the refit; both by
this machine's clock. *Beside a refit*: runs are posted one by one at a steady rate, open loop, so that a late answer
delays no later request; the quantiles while nothing else happens and while a refit runs, in turns.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any

import httpx
import numpy as np

from tests.acceptance.service import Service, service
from tests.quality.bench import made_run

SAMPLES, ROUNDS, RATE, SECONDS, HISTORY = 20, 3, 100.0, 8.0, 20_000
QUIET = {"FORERUN_LOG_LEVEL": "error"}
DUE_AT_ONCE = {"FORERUN_REFIT_DELAY_SECONDS": "0", "FORERUN_REFIT_FIRST_RUNS": "1"}
NEVER_DUE = {"FORERUN_REFIT_FIRST_RUNS": str(10**9)}


# ---------------------------------------------------------------- from commit to start


def starts(samples: int) -> list[float]:
    """Seconds from the answer to a run until the refit that it made due was started."""
    with service(**QUIET, **DUE_AT_ONCE) as server:
        server.start()
        with server.client() as client:
            _started(client, "warm", _post(client, "warm"))
            return [_started(client, f"p{n}", _post(client, f"p{n}")) for n in range(samples)]


def _post(client: httpx.Client, project: str) -> float:
    run = {"project": project, "dataset": "d", "state": "completed", "metrics": {"accuracy": 0.5}}
    client.post("/v1/runs", json=run).raise_for_status()
    return time.time()


def _started(client: httpx.Client, project: str, committed: float) -> float:
    while True:
        found = client.get("/v1/refits", params={"project": project}).json()["refits"]
        if found and found[0]["state"] in ("succeeded", "failed"):  # the worker is free for the next one
            return datetime.fromisoformat(found[0]["started_at"]).timestamp() - committed
        time.sleep(0.1)


# ---------------------------------------------------------------- beside a refit


def beside(rounds: int, seconds: float, rate: float, history: int) -> tuple[list[float], list[float]]:
    """The seconds that single posts took at rest, and while a refit ran."""
    idle: list[float] = []
    busy: list[float] = []
    with service(**QUIET, **NEVER_DUE) as server:
        server.start()
        rng = np.random.default_rng(0)
        runs = [{"project": "p", **made_run(rng, n % 200, n)} for n in range(history)]
        with server.client() as client:
            for n in range(0, history, 2000):
                client.post("/v1/runs/batch", json={"runs": runs[n : n + 2000]}).raise_for_status()
            for number in range(rounds):
                idle += steadily(server, f"idle{number}", rate, lambda: True, seconds)
                refit_id = client.post("/v1/refits", json={"project": "p"}).json()["id"]
                _until(partial(_is_running, client, refit_id))
                busy += steadily(
                    server, f"busy{number}", rate, lambda id_=refit_id: _state(client, id_) == "running", seconds * 4
                )
                _until(lambda id_=refit_id: _state(client, id_) not in ("queued", "running"))
    return idle, busy


def steadily(server: Service, name: str, rate: float, go_on: Callable[[], bool], seconds: float) -> list[float]:
    """Post runs at a rate, each from when it was due; at most so many seconds, and for as long as `go_on` says."""
    rng = np.random.default_rng(1)
    bodies = [{"project": "q", **made_run(rng, n % 50, n), "run_id": f"{name}-{n}"} for n in range(int(rate * seconds))]
    ended, taken = threading.Event(), []
    # `go_on` has a client that is there: to make one takes 20 ms, which would delay whoever posts meanwhile
    watcher = threading.Thread(target=_watch, args=(go_on, ended), daemon=True)
    watcher.start()
    with server.client() as client, ThreadPoolExecutor(32) as senders:
        began = time.perf_counter()

        def send(n: int) -> None:
            due = began + n / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            if not ended.is_set():
                assert client.post("/v1/runs", json=bodies[n]).status_code == 201
                taken.append(time.perf_counter() - due)

        list(senders.map(send, range(len(bodies))))
    ended.set()
    return taken[int(rate) :]  # without the first second, in which connections are made


def _watch(go_on: Callable[[], bool], ended: threading.Event) -> None:
    while not ended.wait(0.5):
        if not go_on():
            ended.set()


def _state(client: httpx.Client, refit_id: str) -> str:
    return str(client.get(f"/v1/refits/{refit_id}").json()["state"])


def _is_running(client: httpx.Client, refit_id: str) -> bool:
    return _state(client, refit_id) == "running"


def _until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 600
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.quality.cluster_bench", description=__doc__)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--history", type=int, default=HISTORY)
    given = parser.parse_args(arguments)
    rows: list[tuple[Any, ...]] = []
    if given.samples:
        waited = starts(given.samples)
        told = f"{1e3 * statistics.median(waited):.0f} ms (worst of {len(waited)}: {1e3 * max(waited):.0f} ms)"
        rows.append(("commit of the triggering run to the start of its refit, p50", told, "under 100 ms"))
    if given.rounds:
        idle, busy = beside(given.rounds, given.seconds, RATE, given.history)
        for q, goal in ((0.5, ""), (0.99, "within 2 x")):
            at_rest, beside_it = (1e3 * float(np.quantile(taken, q)) for taken in (idle, busy))
            name = f"p{100 * q:.0f} of single ingest ({RATE:.0f}/s) beside a refit of {given.history:,} runs / at rest"
            rows.append((name, f"{beside_it:.1f} / {at_rest:.1f} ms = {beside_it / at_rest:.2f}", goal))
    sys.stdout.write("".join(f"| {' | '.join(row)} |\n" for row in rows))


if __name__ == "__main__":
    main()
