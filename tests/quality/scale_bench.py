"""`make bench-scale`: what the service costs as history grows, and with which slope.

A history that is made up as it is sent (2,000 datasets; 14 hyperparameters, 6 meta-features, 2 metrics, 2 resources)
goes through the API's bulk path as NDJSON until there are as many runs as each stage asks for. At every stage the lists
and recommendations are timed, the tables measured, and the project refitted while the memory of the refit's process is
watched. The slope is that of the logarithms: 0 does not grow with the history, 1 grows in proportion.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
import orjson
import psutil
import psycopg

from app.store.embedded import embedded_postgres
from tests.acceptance.service import Service, service

STAGES = (10_000, 100_000, 1_000_000, 2_000_000)
PROJECT, N_DATASETS, N_OWN, N_REQUESTS = "scale", 2_000, 50, 30
CHUNK, SENDERS = 20_000, 2
"""Runs of one streamed request, and how many of those are under way."""
SETTINGS = {
    "FORERUN_REFIT_FIRST_RUNS": str(10**9),  # only those that are asked for: one that is due would be in their way
    "FORERUN_REFIT_MIN_NEW_RUNS": str(10**9),
    "FORERUN_REFIT_HEARTBEAT_SECONDS": "1",
    "FORERUN_LOG_LEVEL": "error",
}
PATIENCE_SECONDS = 3600.0
SPACE = {
    "parameters": {
        **{f"x{j}": {"type": "float", "low": 0, "high": 1} for j in range(8)},
        **{f"c{j}": ["a", "b", "c", "d"] for j in range(4)},
        "rate": {"type": "float", "low": 0.0001, "high": 1, "log": True},
        "width": {"type": "int", "low": 16, "high": 1024, "log": True},
    }
}


@dataclass
class Stage:
    """What was seen with so many runs stored; figures in the order of the table."""

    n_runs: int
    figures: dict[str, float] = field(default_factory=dict)


# ---------------------------------------------------------------- the history


def lines(start: int, n: int, n_datasets: int) -> Iterator[bytes]:
    """Runs number `start` and following, one a line; of each dataset another configuration is best."""
    rng = np.random.default_rng([7, start])
    x, c, noise = rng.uniform(size=(n, 10)), rng.integers(0, 4, size=(n, 4)), rng.normal(0, 0.01, size=n)
    for i in range(n):
        dataset = (start + i) % n_datasets
        best, size = (dataset * 0.618) % 1, 100.0 * 2 ** (dataset % 12)
        accuracy = float(0.9 * np.exp(-((x[i, :8] - best) ** 2).sum() / 4) + noise[i])
        row = x[i].tolist()
        hyperparameters = {f"x{j}": row[j] for j in range(8)} | {f"c{j}": "abcd"[c[i, j]] for j in range(4)}
        width = int(16 * 64 ** row[9])
        meta = {"n_rows": size, "best": best, **{f"m{k}": (dataset * (k + 3) % 17) / 17 for k in range(4)}}
        yield orjson.dumps(
            {
                "project": PROJECT,
                "run_id": f"r{start + i}",
                "dataset": {"name": f"data-{dataset}", "meta_features": meta},
                "state": "completed",
                "hyperparameters": {**hyperparameters, "rate": 10 ** (-4 * row[8]), "width": width},
                "metrics": {"accuracy": accuracy, "log_loss": 1.0 - accuracy},
                "resources": {"duration_seconds": 0.01 * size * width, "peak_memory_bytes": 1e6 * width},
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )


def post(server: Service, start: int, stop: int, n_datasets: int) -> float:
    """Stream runs to the API; gives the seconds it took."""

    def send(first: int) -> int:
        body = lines(first, min(CHUNK, stop - first), n_datasets)
        with httpx.Client(base_url=server.url, timeout=PATIENCE_SECONDS) as client:
            headers = {"Content-Type": "application/x-ndjson"}
            answer = client.post("/v1/runs/batch", headers=headers, content=_buffered(body))
        assert answer.status_code == 200, answer.text
        return int(answer.json()["created"])

    began = time.perf_counter()
    with ThreadPoolExecutor(SENDERS) as senders:
        created = sum(senders.map(send, range(start, stop, CHUNK)))
    assert created == stop - start
    return time.perf_counter() - began


def _buffered(body: Iterator[bytes], size: int = 2**18) -> Iterator[bytes]:
    buffer = bytearray()
    for line in body:
        buffer += line
        if len(buffer) >= size:
            yield bytes(buffer)
            buffer.clear()
    yield bytes(buffer)


# ---------------------------------------------------------------- what is measured


def milliseconds(ask: Callable[[], httpx.Response], n: int = N_REQUESTS) -> float:
    """The median; the first one warms up."""
    taken = []
    for _ in range(n + 1):
        began = time.perf_counter()
        answer = ask()
        taken.append(time.perf_counter() - began)
        assert answer.status_code == 200, answer.text
    return 1e3 * statistics.median(taken[1:])


def lists(client: httpx.Client) -> dict[str, float]:
    """The latest page of everything that is listed."""
    page = {"project": PROJECT, "limit": 100}
    one = {**page, "dataset": "data-1"}
    deep = client.get("/v1/runs", params={**one, "limit": 2}).json()["next_cursor"]
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        "list of runs, ms": ("/v1/runs", page),
        "list of a dataset's runs, ms": ("/v1/runs", {**one, **({"cursor": deep} if deep else {})}),
        "list of failed runs (there are none), ms": ("/v1/runs", {**page, "state": "failed"}),
        "list of datasets, ms": ("/v1/datasets", page),
        "overview, ms": ("/v1/overview", {}),
        "project, ms": (f"/v1/projects/{PROJECT}", {}),
    }
    return {
        name: milliseconds(lambda path=path, params=params: client.get(path, params=params))
        for name, (path, params) in asked.items()
    }


def recommendations(client: httpx.Client) -> dict[str, float]:
    """Of a dataset with 50 runs of its own, however long the history is."""
    question = {
        "project": PROJECT,
        "dataset": "asked",
        "objectives": [{"metric": "accuracy", "direction": "maximize"}],
        "search_space": SPACE,
        "top_k": 3,
    }
    return {"recommend, ms": milliseconds(lambda: client.post("/v1/recommend", json=question))}


_SIZES = """
    SELECT pg_table_size('runs'), pg_indexes_size('runs'), pg_database_size(current_database()),
           (SELECT coalesce(sum(n_runs), 0) FROM run_segments), (SELECT coalesce(sum(n_bytes), 0) FROM run_segments)
"""


def sizes(database_url: str, n_runs: int) -> dict[str, float]:
    with psycopg.connect(database_url) as connection:
        table, indexes, total, folded, folded_bytes = map(float, connection.execute(_SIZES).fetchone() or ())
    return {
        "bytes a run: table": table / n_runs,
        "bytes a run: indexes": indexes / n_runs,
        "database, MiB": total / 2**20,
        "folded into segments, runs": folded,
        "bytes a run: segments": folded_bytes / max(folded, 1.0),
    }


@contextmanager
def watched(server: Service) -> Iterator[dict[str, float]]:
    """The largest resident memory, MiB, of the processes of refits meanwhile."""
    seen = {"refit, peak MiB": 0.0}
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.2):
            for process in server.processes():
                with suppress(psutil.Error):
                    if "app.worker" in process.cmdline():
                        seen["refit, peak MiB"] = max(seen["refit, peak MiB"], process.memory_info().rss / 2**20)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()


def refit(server: Service, client: httpx.Client) -> dict[str, float]:
    """One refit of all there is: asked for to served, and what of it was reading the history."""
    began, loading = time.perf_counter(), 0.0
    with watched(server) as seen:
        refit_id = client.post("/v1/refits", json={"project": PROJECT}).json()["id"]
        while (found := client.get(f"/v1/refits/{refit_id}").json())["state"] in ("queued", "running"):
            assert time.perf_counter() - began < PATIENCE_SECONDS
            if (found["progress"] or {}).get("stage") == "loading":
                loading = time.perf_counter() - began
            time.sleep(0.2)
    assert found["state"] == "succeeded", found["error"]
    return {"refit, s": time.perf_counter() - began, "refit, until all is read, s": loading, **seen}


def measure(server: Service, database_url: str, stage: Stage, *, with_refit: bool) -> None:
    """Everything at the present size, refit first: it leaves the champion that answers."""
    with server.client() as client:
        if with_refit:
            client.timeout = httpx.Timeout(PATIENCE_SECONDS)
            stage.figures |= refit(server, client)
        stage.figures |= lists(client) | recommendations(client)
    stage.figures |= sizes(database_url, stage.n_runs)


def campaign(stages: Sequence[int], n_datasets: int, refit_up_to: int) -> list[Stage]:
    """The figures of each stage, the smallest first."""
    done: list[Stage] = []
    with service(**SETTINGS) as server, embedded_postgres(server.data_dir) as database_url:
        server.start()
        _post_own(server)
        stored = N_OWN
        for n_runs in sorted(stages):
            seconds = post(server, stored, n_runs, n_datasets)
            stage = Stage(n_runs, {"ingest, runs/s": (n_runs - stored) / seconds})
            stored = n_runs
            measure(server, database_url, stage, with_refit=n_runs <= refit_up_to)
            sys.stderr.write(f"{n_runs:,} runs: {stage.figures}\n")
            done.append(stage)
    return done


def _post_own(server: Service) -> None:
    runs = [orjson.loads(line) | {"dataset": "asked", "run_id": f"own{i}"} for i, line in enumerate(lines(0, N_OWN, 1))]
    with server.client() as client:
        assert client.post("/v1/runs/batch", json={"runs": runs}).json()["created"] == N_OWN


# ---------------------------------------------------------------- the table


def slope(stages: Iterable[Stage], name: str) -> float | None:
    """Of the logarithm of a figure against that of the number of runs; None where there are not two of them."""
    points = [(stage.n_runs, stage.figures[name]) for stage in stages if stage.figures.get(name, 0) > 0]
    if len(points) < 2:
        return None
    n_runs, values = np.log(np.array(points)).T
    return float(np.polyfit(n_runs, values, 1)[0])


def table(stages: Sequence[Stage]) -> str:
    """Markdown."""
    names = list(dict.fromkeys(name for stage in stages for name in stage.figures))
    head = ["runs stored", *(f"{stage.n_runs:,}" for stage in stages), "slope", "last / first"]
    rows = [[name, *(_told(stage.figures.get(name)) for stage in stages), *_growth(stages, name)] for name in names]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def _growth(stages: Sequence[Stage], name: str) -> tuple[str, str]:
    found = slope(stages, name)
    values = [stage.figures[name] for stage in stages if stage.figures.get(name, 0) > 0]
    return ("", "") if found is None else (f"{found:.2f}", f"{values[-1] / values[0]:.2f}")


def _told(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.quality.scale_bench", description=__doc__)
    parser.add_argument("--runs", type=int, nargs="+", default=STAGES, help="stored at each stage")
    parser.add_argument("--datasets", type=int, default=N_DATASETS)
    parser.add_argument("--refit-up-to", type=int, default=max(STAGES), help="no refits with more runs than this")
    given = parser.parse_args(arguments)
    sys.stdout.write(table(campaign(given.runs, given.datasets, given.refit_up_to)) + "\n")


if __name__ == "__main__":
    main()
