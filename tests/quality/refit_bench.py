"""What a refit costs as a history grows: reading it, learning all of it, and learning on from what is new.

`python -m tests.quality.refit_bench` is a part of `make bench`; `--runs 1000000 --full` is the README's table. The
history is made by PostgreSQL itself: datasets of 500 runs with 30 inputs and 3 targets. Each way to read is a process
of its own, which tells its seconds and its peak memory. Reading is beside what it replaces: rows of JSONB as dicts.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import orjson
import psycopg
from psycopg.types.json import set_json_loads
from rich.console import Console
from rich.markdown import Markdown

from app.config import Settings
from app.featurise.segment import run_table
from app.flows.fold import fold, read
from app.flows.refit import refit
from app.flows.tidy import AT_ONCE
from app.learn.subsample import representative
from app.learn.train import train
from app.store import refits, retention
from app.store.database import Database, connect
from app.store.embedded import embedded_postgres
from app.store.migrate import migrate

RUNS_EACH, N_META = 500, 6
NEW_RUNS = 250
"""Of an increment: so few that a champion of 10,000 runs takes several of them before a full refit is due."""
COLUMNS = "hyperparameters, environment, fidelity, metrics, resources, state, dataset_id, id"
console = Console()

DATASETS = """
    INSERT INTO datasets (project_id, name, meta_features)
    SELECT %(project)s, 'data-' || i, jsonb_build_object({meta})
    FROM generate_series(%(first)s::int, %(last)s::int) AS i
"""
RUNS = """
    INSERT INTO runs (project_id, run_id, dataset_id, state, hyperparameters, environment, fidelity, metrics, resources,
                      digest)
    SELECT %(project)s, dataset_id || '-' || number || '-' || %(series)s::int, dataset_id, 'completed',
        jsonb_build_object({x}, 'rate', 10 ^ (-4 * x12), 'width', (2 ^ (4 + floor(6 * x13)))::int, {c}),
        jsonb_build_object('accelerator', (ARRAY['A100', 'H200'])[1 + floor(2 * x0)], 'n', 1 + number %% 4),
        jsonb_build_object('epochs', (ARRAY[10, 50])[1 + floor(2 * x1)], 'fraction', 1.0),
        jsonb_build_object('accuracy', accuracy, 'log_loss', 0.01 - ln(accuracy)),
        jsonb_build_object('duration_seconds', 10 * (1 + x13) * (1 + m1) * exp(0.1 * x2)), '\\x{digest}'
    FROM (
        SELECT *, 0.01 * (random() - 0.5) + 0.5 + 0.4 * m0
            * exp(-((x0 - m0) ^ 2 + (x1 - m1) ^ 2 + (x12 - m2) ^ 2) - 0.2 * (floor(4 * x3) = 0)::int) AS accuracy
        FROM (
            SELECT datasets.id AS dataset_id, number, {random},
                (meta_features->>'m0')::float8 AS m0, (meta_features->>'m1')::float8 AS m1,
                (meta_features->>'m2')::float8 AS m2
            FROM datasets, generate_series(1, %(each)s::int) AS number
            WHERE project_id = %(project)s AND name = ANY(%(names)s)
        ) AS drawn
    ) AS measured
"""


def make_runs(url: str, project: int, first: int, last: int, each: int, series: int) -> None:
    """`each` runs of the datasets from number `first` up to, but not including, `last`; they are made as needed."""
    parts = {
        "x": ", ".join(f"'x{j}', x{j}" for j in range(12)),
        "c": ", ".join(f"'c{j}', (ARRAY['a', 'b', 'c', 'd'])[1 + floor(4 * x{j + 3})]" for j in range(6)),
        "random": ", ".join(f"random() AS x{j}" for j in range(14)),
        "digest": "00" * 32,
    }
    meta = ", ".join(f"'m{j}', random()" for j in range(N_META))
    with psycopg.connect(url) as connection:
        connection.execute("SELECT setseed(%s)", [first % 1000 / 1000])
        given = {"project": project, "first": first, "last": last - 1}
        connection.execute(DATASETS.format(meta=meta) + " ON CONFLICT DO NOTHING", given)  # type: ignore[arg-type]  # a literal to psycopg
        for start in range(first, last, 100):  # a transaction of some 50,000 runs, as a bulk import's would be
            names = [f"data-{i}" for i in range(start, min(start + 100, last))]
            filled = {"project": project, "each": each, "names": names, "series": series}
            connection.execute(RUNS.format(**parts), filled)  # type: ignore[arg-type]  # a literal to psycopg
            connection.commit()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE runs")


# ---------------------------------------------------------------- each in a process of its own


def in_a_process(function: Callable[..., Any], *arguments: Any) -> tuple[float, float, Any]:
    """Seconds, peak memory in MiB beyond what was there before, and what the function answers."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured, (function, arguments))


def _measured(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[float, float, Any]:
    before, start = _peak_mib(), time.perf_counter()
    answer = function(*arguments)
    return time.perf_counter() - start, _peak_mib() - before, answer


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def read_dictionaries(url: str, project: int) -> int:
    """What a service without segments does, as fast as it can be done: orjson, and no object but the rows' own."""
    with psycopg.connect(url) as connection:
        set_json_loads(orjson.loads, connection)
        query = f"SELECT {COLUMNS} FROM runs WHERE project_id = %s AND state <> 'running'"
        with connection.cursor(name="history") as cursor:
            cursor.itersize = 10_000
            return len([*cursor.execute(query, [project])])


def read_columns(url: str, project: int, cache: Path) -> int:
    async def work() -> int:
        async with opened(url) as database:
            history = await read(database, project, cache)
            return len(run_table(history.runs, history.meta_features))

    return asyncio.run(work())


def sample(url: str, project: int, cache: Path) -> int:
    """The rows that a full refit learns from, out of all."""

    async def work() -> int:
        async with opened(url) as database:
            history = await read(database, project, cache)
            table = run_table(history.runs, history.meta_features)
            return len(table.take(representative(table)))

    return asyncio.run(work())


def expire_some(url: str, project: int, n_runs: int) -> int:
    """Rows that have expired go, as a worker lets them go."""

    async def work() -> int:
        async with opened(url) as database:
            gone = 0
            while gone < n_runs:
                async with database.transaction() as connection:
                    gone += await retention.expire(connection, project, 0.0, 0, AT_ONCE)
            return gone

    return asyncio.run(work())


def vacuum(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM runs")


def fold_all(url: str, project: int) -> int:
    async def work() -> int:
        async with opened(url) as database:
            return await fold(database, project)

    return asyncio.run(work())


def learn_all(url: str, project: int, threads: int) -> int:
    async def work() -> int:
        async with opened(url) as database:
            history = await read(database, project)
            return train(run_table(history.runs, history.meta_features), threads=threads).n_runs

    return asyncio.run(work())


def refit_once(url: str, project: int, data_dir: str, trigger: str) -> tuple[str, float]:
    """What a worker's process does, from the row that waits to the champion; what it was, and its seconds."""

    async def work() -> tuple[str, float]:
        settings = Settings(database_url=url, data_dir=Path(data_dir))
        async with opened(url) as database:
            async with database.transaction() as connection:
                refit_id = (await refits.request(connection, project, trigger)).id  # type: ignore[arg-type]  # one of its literals
                attempt = await refits.start(connection, refit_id)
            assert attempt is not None
            start = time.perf_counter()
            await refit(database, attempt, settings)
            seconds = time.perf_counter() - start
            async with database.snapshot() as connection:
                ended = await refits.get(connection, refit_id)
            assert ended.state == "succeeded", ended.error
            return str(ended.kind), seconds

    return asyncio.run(work())


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = connect(url, statement_timeout_seconds=600)
    try:
        yield database
    finally:
        await database.close()


# ---------------------------------------------------------------- the table


def reading(url: str, project: int, n_runs: int, cache: Path, samples: int) -> list[tuple[str, str, str]]:
    fold_seconds, fold_mib, n_folded = in_a_process(fold_all, url, project)
    assert n_folded == n_runs
    cold = median(in_a_process(read_columns, url, project, cache / str(i)) for i in range(samples))
    in_a_process(read_columns, url, project, cache)
    make_runs(url, project, 0, max(n_runs // RUNS_EACH // 100, 1), RUNS_EACH, 1)  # 1 % that is in no segment
    warm = median(in_a_process(read_columns, url, project, cache) for _ in range(samples))
    rows = in_a_process(read_dictionaries, url, project)
    assert rows[2] == warm[2] > n_runs
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT count(*), sum(n_bytes), pg_relation_size('runs'), pg_indexes_size('runs') FROM run_segments"
        ).fetchone()
    assert found is not None
    in_a_process(fold_all, url, project)
    folded = median(in_a_process(read_columns, url, project, cache) for _ in range(samples))
    sampled = median(in_a_process(sample, url, project, cache) for _ in range(samples))
    expiry_seconds, _, n_gone = in_a_process(expire_some, url, project, n_runs // 10)
    vacuum_seconds, _, _ = in_a_process(vacuum, url)
    return [
        (f"JSONB rows to dictionaries, {n_runs:,} runs", f"{rows[0]:.1f} s, {rows[1]:,.0f} MiB", "1"),
        ("the same from segments, cold", f"{cold[0]:.2f} s, {cold[1]:,.0f} MiB", ratios(rows, cold)),
        ("the same, warm, 1 % in no segment", f"{warm[0]:.2f} s, {warm[1]:,.0f} MiB", ratios(rows, warm)),
        ("the same, once a worker has folded that", f"{folded[0]:.2f} s, {folded[1]:,.0f} MiB", ratios(rows, folded)),
        (
            f"that, and the {sampled[2]:,} runs that a full refit learns from out of it",
            f"{sampled[0]:.2f} s, {sampled[1]:,.0f} MiB",
            ratios(rows, sampled),
        ),
        (
            f"{n_gone:,} rows expire; VACUUM of the table after it",
            f"{expiry_seconds:.1f} s; {vacuum_seconds:.1f} s",
            f"{n_gone / expiry_seconds:,.0f} rows/s; indexes {found[3] / rows[2]:.0f} bytes a run",
        ),
        (
            "folding all of it, once",
            f"{fold_seconds:.1f} s, {fold_mib:,.0f} MiB",
            f"{n_runs / fold_seconds:,.0f} runs/s",
        ),
        (
            f"{found[0]} segments",
            f"{found[1] / 2**20:,.0f} MiB",
            f"{float(found[1]) / found[2]:.2f} of the rows' table",
        ),
    ]


def ratios(slow: tuple[float, float, Any], fast: tuple[float, float, Any]) -> str:
    return f"{slow[0] / fast[0]:.1f} x faster, {fast[1] / slow[1]:.2f} of the memory"


def median(samples: Iterable[tuple[float, float, Any]]) -> tuple[float, float, Any]:
    ordered = sorted(samples, key=lambda sample: sample[0])
    return ordered[len(ordered) // 2]


def increments(url: str, projects: dict[int, int], data_dir: str, samples: int) -> list[tuple[str, str, str]]:
    """A full refit of each history, then increments of the runs of a new dataset; the sizes take turns."""
    full = {n: in_a_process(refit_once, url, project, f"{data_dir}/{n}", "request") for n, project in projects.items()}
    seconds: dict[int, list[float]] = {n: [] for n in projects}
    for sample in range(samples):
        for n, project in projects.items():
            make_runs(url, project, 10**6 + sample, 10**6 + sample + 1, NEW_RUNS, 2)
            _, _, (kind, took) = in_a_process(refit_once, url, project, f"{data_dir}/{n}", "new_runs")
            assert kind == "incremental"
            seconds[n].append(took)
            sys.stderr.write(f"an increment on {n:,} runs: {took:.2f} s\n")
    sys.stderr.write(f"full refits: {full}\n")
    middle = {n: statistics.median(found) for n, found in seconds.items()}
    small = min(projects)
    rows = []
    for n in projects:
        _, mib, (_, took) = full[n]
        rows.append((f"full refit of {n:,} runs, 3 targets", f"{took:.0f} s, {mib:,.0f} MiB", ""))
        ratio = f"{took / middle[n]:.0f} x faster than it; {middle[n] / middle[small]:.2f} of that at {small:,}"
        rows.append((f"increment of {NEW_RUNS} runs on {n:,}", f"{middle[n]:.2f} s", ratio))
    return rows


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=100_000, help="size of the history")
    options.add_argument("--samples", type=int, default=3, help="how often each way is taken; the median counts")
    options.add_argument("--full", action="store_true", help="learn as well: full refits, and increments")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as directory, embedded_postgres(Path(directory, "database")) as url:
        migrate(url)
        sizes = [given.runs, *([10_000] if given.full and given.runs != 10_000 else [])]
        projects: dict[int, int] = {}
        for n in sizes:
            with psycopg.connect(url) as connection:
                made = connection.execute("INSERT INTO projects (name) VALUES (%s) RETURNING id", [f"p{n}"]).fetchone()
            assert made is not None
            projects[n] = int(made[0])
            make_runs(url, projects[n], 0, n // RUNS_EACH, RUNS_EACH, 0)
        rows = reading(url, projects[given.runs], given.runs, Path(directory, "cache"), given.samples)
        sys.stderr.write("".join(f"{row}\n" for row in rows))
        if given.full:
            rows += increments(url, projects, directory, given.samples)
    head = "| | measured | ratio |\n|---|---|---|\n"
    console.print(Markdown(head + "\n".join(f"| {' | '.join(row)} |" for row in rows)))


if __name__ == "__main__":
    main()
