"""`python -m tests.quality.refit_quality --bench DIR`: what bounded refits cost in quality, on real meta-datasets.

The history of every split is repeated, each time with noise of a tenth of its dataset's spread, as clusters repeat
configurations. Beside the fit of all of it stand the fit of a part (`--cap`, of a dataset on average), and a champion
of four fifths of the runs that learned on from the last fifth in two increments. See `transfer` for DIR.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from app.learn import bundle, train
from app.learn.increment import learn_on
from app.types import RunTable
from tests.quality.transfer import Bench, history_of, replay, tasks_of
from tests.quality.variants import VARIANTS

AT = (0, 5, 10, 20)
NOISE = 0.1


def repeated(table: RunTable, times: int) -> RunTable:
    """Every run `times` times, with other outcomes."""
    rng = np.random.default_rng(0)
    rows = np.tile(np.arange(len(table)), times)
    again = table.take(rows)
    spread = {name: _spread(y, table.dataset)[rows] for name, y in table.targets.items()}
    targets = {
        name: y + NOISE * spread[name] * rng.normal(size=len(rows)) * (np.arange(len(rows)) >= len(table))
        for name, y in again.targets.items()
    }
    return replace(again, targets=targets, finished_at=np.arange(len(rows), dtype=np.float64))


def _spread(y: Any, dataset: Any) -> Any:
    of_dataset = np.array([np.nanstd(y[dataset == d]) for d in range(int(dataset.max()) + 1)])
    return of_dataset[dataset]


def whole(table: RunTable, threads: int) -> bytes:
    return train.train(table, threads=threads).content


def capped(table: RunTable, threads: int, cap: int) -> bytes:
    return train.train(table.take(train.representative(table, cap * len(table.datasets))), threads=threads).content


def learned_on(table: RunTable, threads: int) -> bytes:
    """The datasets that come last in the order of names are new to the increments."""
    parts = np.array_split(np.argsort(table.dataset, kind="stable"), [round(0.8 * len(table)), round(0.9 * len(table))])
    first, *later = (_only(table, np.sort(rows)) for rows in parts)
    step = train.train(first, threads=threads)
    for new in later:
        step = learn_on(step.content, step.continuation, new, threads=threads)
    return step.content


def _only(table: RunTable, rows: Any) -> RunTable:
    """Some rows, with their own datasets alone."""
    present, dataset = np.unique(table.dataset[rows], return_inverse=True)
    return replace(
        table.take(rows),
        datasets=tuple(table.datasets[i] for i in present),
        meta_features=tuple(table.meta_features[i] for i in present),
        dataset=dataset.astype(np.int64),
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--bench", type=Path, required=True)
    options.add_argument("--only", nargs="*", default=[], metavar="NAME")
    options.add_argument("--times", type=int, default=4)
    options.add_argument("--cap", type=int, nargs="*", default=[100], help="runs of a dataset, on average")
    options.add_argument("--splits", type=int, default=1)
    options.add_argument("--threads", type=int, default=2)
    given = options.parse_args()
    bench = Bench(given.bench, None)
    ways: dict[str, Callable[[RunTable], bytes]] = {"all of it": lambda table: whole(table, given.threads)}
    ways |= {f"{cap} a dataset": lambda table, cap=cap: capped(table, given.threads, cap) for cap in given.cap}  # type: ignore[misc]  # its default has no type
    ways["increments"] = lambda table: learned_on(table, given.threads)
    found: dict[str, list[list[float]]] = {way: [] for way in ways}
    for spec in bench.specs(given.only):
        for index in range(given.splits):
            split = bench.split(spec.name, index)
            table = repeated(history_of(split, bench.module("tasks").meta_of, bench.inputs), given.times)
            for way, make in ways.items():
                learner = bundle.from_bytes(make(table))
                with threadpool_limits(limits=1):
                    curves = [replay(learner, task, VARIANTS["the method"]) for task in tasks_of(bench, split, learner)]
                found[way] += [[curve[min(k, len(curve) - 1)] for k in AT] for curve in curves]
                told = np.mean([[curve[min(k, len(curve) - 1)] for k in AT] for curve in curves], axis=0).round(4)
                sys.stderr.write(f"{spec.name} {index} {way} {len(table)} {told}\n")
    _show(found)


def _show(found: dict[str, list[list[float]]]) -> None:
    table = Table("", "datasets", *(f"regret after {k}" if k else "first pick" for k in AT), "mean", "to all of it")
    reference = np.mean(found["all of it"])
    for way, curves in found.items():
        regrets = np.array(curves)
        mean = regrets.mean()
        table.add_row(
            way,
            str(len(regrets)),
            *(f"{r:.4f}" for r in regrets.mean(axis=0)),
            f"{mean:.4f}",
            f"{mean - reference:+.4f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
