"""`python -m tests.quality.ingest_bench`: how fast runs come in, each figure beside a floor or peer of the same run.

One PostgreSQL with its defaults (fsync on) serves all. The service's API is on core 0, the client on the last core,
where it goes first (if it may: priorities are root's), as it would on a machine of its own; PostgreSQL is wherever
there is room; peers are on core 0 in the API's place. What a second core with a second API process
on it brings is measured against all of it (API, client and PostgreSQL) on one core. Figures and floors take turns, and
the median of the rounds counts. After every round the rows are counted. Run with `--gigabyte` it also streams 1 GB.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import httpx
import orjson
import psutil
import psycopg

from app.store.embedded import embedded_postgres
from tests.acceptance.service import Service, service
from tests.quality import ingest_load as load
from tests.quality import ingest_peers as peers

CORES = sorted(os.sched_getaffinity(0))
FIRST, LAST = {CORES[0]}, {CORES[-1]}
Rate = Callable[[str], float]


@contextmanager
def api(url: str, core: set[int], *, warm: bool = True) -> Iterator[Service]:
    """An API without a worker on one core, once it has compiled what it searches with, if that is what it is for."""
    with service(FORERUN_DATABASE_URL=url, FORERUN_WORKER="false", FORERUN_WARM_UP=str(warm)) as server:
        server.start()
        while warm and "\nforerun_search_ready 1" not in httpx.get(f"{server.url}/metrics").text:
            time.sleep(0.1)  # it compiles meanwhile, as long as it has not done so before
        for process in server.processes():
            pin(process, core)
        yield server


def pin(process: psutil.Process, cores: set[int]) -> None:
    for thread in process.threads():
        os.sched_setaffinity(thread.id, cores)


def main_process(server: Service) -> psutil.Process:
    """The one that answers."""
    return max((p for p in server.processes() if p.name().startswith("python")), key=lambda p: p.memory_info().rss)


class Bench:
    """The rates, each in runs a second; every call posts new runs, whose run_ids begin with the name it is given."""

    def __init__(self, url: str, server: Service, scale: float) -> None:
        self.url, self.ports, self.process, self.scale = url, [server.port], main_process(server), scale
        self.latencies: list[float] = []
        self.costs: dict[str, list[float]] = {}
        """Of the process that answers, in µs of processor time a request."""

    def n(self, runs: int) -> int:
        return max(200, int(runs * self.scale) // 100 * 100)

    def copied(self, size: int) -> Rate:
        n = self.n(20_000)
        return lambda name: n / peers.copy(self.url, load.made_runs(n, name), size)

    def batched(self, size: int) -> Rate:
        n = max(self.n(20_000), 4 * size)

        def rate(name: str) -> float:
            bodies = load.batches(load.made_runs(n, name), size)
            return self._posted(name, n, [load.request("/v1/runs/batch", body) for body in bodies], 4).rate

        return rate

    def streamed(self, name: str) -> float:
        lines = [orjson.dumps(run) + b"\n" for run in load.made_runs(self.n(20_000), name)]
        chunks = [b"".join(lines[i : i + 40]) for i in range(0, len(lines), 40)]
        seconds, _ = load.stream(self.ports[0], chunks)
        self._count(name, len(lines))
        return len(lines) / seconds

    def single(self, connections: int, ports: Sequence[int] = ()) -> Rate:
        n = self.n(6_000 if connections > 1 else 1_000)

        def rate(name: str) -> float:
            requests = [load.request("/v1/runs", orjson.dumps(run)) for run in load.made_runs(n, name)]
            if connections == 1 or ports:
                return self._posted(name, n, requests, connections, ports).rate
            with self._cost("ours", self.process, n):
                told = self._posted(name, n, requests, connections)
            self.latencies += told.latencies
            return told.rate

        return rate

    def confined(self, cores: set[int], rate: Rate) -> Rate:
        """The same with client and PostgreSQL on these cores; the API's processes stay where they are."""

        def confined_rate(name: str) -> float:
            self._confine(cores)
            told = rate(name)
            self._confine(LAST, postgres=set(CORES))
            return told

        return confined_rate

    @staticmethod
    def _confine(client: set[int], postgres: set[int] | None = None) -> None:
        os.sched_setaffinity(0, client)
        for process in psutil.process_iter(["name"]):
            if process.info["name"] == "postgres":
                with suppress(psutil.NoSuchProcess, ProcessLookupError):  # a backend that has ended meanwhile
                    pin(process, postgres or client)

    def peer(self, name: str, connections: int, *, logged: bool = False) -> Rate:
        n = self.n(1_500 if name == "orm" else 6_000)

        def rate(prefix: str) -> float:
            requests = [load.request("/v1/runs", orjson.dumps(run)) for run in load.made_runs(n, prefix)]
            with peers.application(name, self.url, FIRST, logged=logged) as peer:
                load.post([peer.port], requests[:100], connections)
                with self._cost("logged" if logged else name, peer.process, n):
                    told = load.post([peer.port], requests, connections)
            assert told.statuses == {201}
            return n / told.seconds

        return rate

    @contextmanager
    def _cost(self, name: str, process: psutil.Process, n: int) -> Iterator[None]:
        before = process.cpu_times()
        yield
        after = process.cpu_times()
        seconds = after.user + after.system - before.user - before.system
        self.costs.setdefault(name, []).append(1e6 * seconds / n)

    def mlflow(self, clients: int) -> Rate:
        return lambda name: peers.mlflow_rate(self.url, load.made_runs(self.n(300), name), clients, FIRST)

    def optuna(self, name: str) -> float:
        return peers.optuna_rate(self.url, load.made_runs(self.n(300), name))

    def _posted(
        self, name: str, n: int, requests: Sequence[bytes], connections: int, ports: Sequence[int] = ()
    ) -> load.Told:
        told = load.post(ports or self.ports[:1], requests, connections)
        assert told.statuses <= {200, 201}, told.statuses
        self._count(name, n)
        told.rate = n / told.seconds
        return told

    def _count(self, name: str, n: int) -> None:
        with psycopg.connect(self.url) as connection:
            statement = "SELECT count(*) FROM runs WHERE run_id LIKE %s"
            found = connection.execute(statement, [f"{name}-%"]).fetchone()
            assert found == (n,), f"{found} of {n} runs are stored"


def in_turn(rounds: int, figures: dict[str, Rate]) -> dict[str, float]:
    """The median of each figure over rounds in which all of them are measured one after the other."""
    found: dict[str, list[float]] = {name: [] for name in figures}
    for i in range(rounds):
        for j, (name, rate) in enumerate(figures.items()):
            found[name].append(rate(f"{uuid4().hex}r{i}f{j}"))
    return {name: statistics.median(values) for name, values in found.items()}


def against(value: float, of: float, what: str) -> str:
    return f"{value / of:.2f} × {what}" if value < 10 * of else f"{value / of:.0f} × {what}"


Row = tuple[str, str, str]


def bulk(bench: Bench, rounds: int, second_port: int) -> list[Row]:
    figures = {"100": bench.batched(100), "1,000": bench.batched(1_000)}
    rates = in_turn(rounds, {"copy": bench.copied(1_000), **figures, "stream": bench.streamed})
    floor = rates["copy"]
    return [
        ("floor: psycopg COPY, 1,000 a transaction, `write_row` and orjson, no checks", f"{floor:,.0f} runs/s", ""),
        *(
            (f"batches of {size}, 4 connections", f"{rates[size]:,.0f} runs/s", against(rates[size], floor, "COPY"))
            for size in figures
        ),
        ("NDJSON stream, 1 connection", f"{rates['stream']:,.0f} runs/s", against(rates["stream"], floor, "COPY")),
    ]


def single(bench: Bench, rounds: int, second_port: int) -> list[Row]:
    both = [*bench.ports[:1], second_port]
    figures = {
        "bare": bench.peer("bare", 32),
        "logged": bench.peer("bare", 32, logged=True),
        "ours": bench.single(32),
        "orm": bench.peer("orm", 32),
        "beside": bench.single(16, both),
        "one core": bench.confined(FIRST, bench.single(128, bench.ports[:1])),
        "two cores": bench.confined(set(CORES), bench.single(64, both)),
    }
    rates = in_turn(rounds, figures)
    ours, told = rates["ours"], load.Told(0.0, bench.latencies)

    def cost(name: str) -> float:
        return statistics.median(bench.costs[name])

    floors = {"reading": "bare", "reading and a line in the log": "logged", "ORM": "orm"}
    return [
        ("floor: FastAPI that only reads the body, 32 connections", f"{rates['bare']:,.0f} requests/s", ""),
        ("the same, with uvicorn's line about each request", f"{rates['logged']:,.0f} requests/s", ""),
        ("peer: FastAPI and an ORM insert a request", f"{rates['orm']:,.0f} runs/s", ""),
        (
            "single runs, 32 connections",
            f"{ours:,.0f} runs/s",
            ", ".join(against(ours, rates[name], what) for what, name in floors.items()),
        ),
        (
            "their processor time in the API's process",
            f"{cost('ours'):.0f} µs a run",
            ", ".join(f"{cost('ours') / cost(name):.2f} × {what}" for what, name in floors.items()),
        ),
        ("their latency: median, 99 %", f"{1e3 * told.quantile(0.5):.1f} ms, {1e3 * told.quantile(0.99):.1f} ms", ""),
        ("128 connections; API, PostgreSQL and client on one core", f"{rates['one core']:,.0f} runs/s", ""),
        (
            "a second core, and a second API process on it",
            f"{rates['two cores']:,.0f} runs/s",
            against(rates["two cores"], rates["one core"], "one core"),
        ),
        (
            "a second API process on the core of the client, which had it to itself",
            f"{rates['beside']:,.0f} runs/s",
            against(rates["beside"], ours, "one process"),
        ),
    ]


def trackers(bench: Bench, rounds: int, second_port: int) -> list[Row]:
    figures = {"mlflow": bench.mlflow(16), "single": bench.single(16), "batch": bench.batched(100)}
    rates = in_turn(rounds, {**figures, "optuna": bench.optuna, "one": bench.single(1)})
    mlflow, optuna = rates["mlflow"], rates["optuna"]
    return [
        ("peer: MLflow's server on the same PostgreSQL, 16 clients", f"{mlflow:,.1f} runs/s", ""),
        ("single runs, 16 connections", f"{rates['single']:,.0f} runs/s", against(rates["single"], mlflow, "MLflow")),
        ("batches of 100, 4 connections", f"{rates['batch']:,.0f} runs/s", against(rates["batch"], mlflow, "MLflow")),
        ("peer: Optuna's RDB storage, `add_trial`, 1 client", f"{optuna:,.1f} runs/s", ""),
        ("single runs, 1 connection", f"{rates['one']:,.0f} runs/s", against(rates["one"], optuna, "Optuna")),
    ]


PARTS = {"bulk": bulk, "single": single, "trackers": trackers}


def gigabyte(url: str) -> list[Row]:
    """1 GB of NDJSON, and what the API's process grows to meanwhile: one that only takes runs, and one that answers."""
    rows = []
    for warm in (False, True):
        with api(url, FIRST, warm=warm) as server:
            seconds, grown = _streamed(server)
        what = "1 GB streamed to an API " + ("that has what it searches with ready" if warm else "that only takes runs")
        rows.append((what, f"{seconds:.0f} s", grown))
    return rows


def _streamed(server: Service) -> tuple[float, str]:
    """Seconds, and resident memory before and at most; the client makes the runs on the way."""
    process = main_process(server)
    before, peak, sent = process.memory_info().rss, 0, 0
    prefix = uuid4().hex

    def chunks() -> Iterator[bytes]:
        nonlocal peak, sent
        while sent < 10**9:
            chunk = b"".join(orjson.dumps(run) + b"\n" for run in load.made_runs(500, f"{prefix}{sent}"))
            sent += len(chunk)
            peak = max(peak, process.memory_info().rss)
            yield chunk

    seconds, _ = load.stream(server.port, chunks())
    return seconds, f"from {before / 2**20:.0f} to at most {peak / 2**20:.0f} MiB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of runs")
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument(
        "--gigabyte", action="store_true", help="a stream of that size, before the parts that are named"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="forerun-test-") as folder:
        Path(folder).chmod(0o711)  # the database's own user has to pass
        with embedded_postgres(Path(folder)) as url:
            os.sched_setaffinity(0, LAST)
            made: list[Row] = gigabyte(url) if arguments.gigabyte else []
            with api(url, FIRST) as one, api(url, LAST) as two:
                bench = Bench(url, one, arguments.scale)
                for part in arguments.only or ([] if arguments.gigabyte else PARTS):
                    made += PARTS[part](bench, arguments.rounds, two.port)
    for row in [("figure", "measured", "against the floor or peer"), ("---",) * 3, *made]:
        print(f"| {' | '.join(row)} |")  # noqa: T201  # to be pasted
    print(f"{len(CORES)} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB")  # noqa: T201  # to be pasted


if __name__ == "__main__":
    main()
