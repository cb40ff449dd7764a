"""`python -m tests.quality.refit_quality --bench DIR`: what bounded refits cost in quality, on real meta-datasets.

The history of every split is repeated, each time with noise of a tenth of its dataset's spread, as clusters repeat
configurations. Beside the service's own fit, of at most 60,000 runs, stand that of all of it (`--unbounded`), that of a
part (`--cap`, of a dataset on average), and a champion of ten elevenths of the runs that learned on from the rest in
four increments: as far as it may get before the next full refit. `--new` shows what is gained on new data instead:
half of the runs of a tenth of the datasets come in, the others tell how well a champion without them, an increment and
a full refit rank these datasets. See `transfer` for DIR.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import spearmanr
from threadpoolctl import threadpool_limits

from app.featurise.fidelity import with_ends
from app.learn import bundle, train
from app.learn.increment import learn_on
from app.learn.scores import rank_scores, rows_by_dataset
from app.learn.subsample import representative
from app.space.columns import FloatArray
from app.types import RunTable
from tests.quality.transfer import Bench, history_of, replay, tasks_of
from tests.quality.variants import VARIANTS

AT = (0, 5, 10, 20)
NOISE = 0.1
INCREMENTS = 4


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
    """From all of it, however much that is."""
    with patch.object(train, "representative", lambda table, cap=None: representative(table, cap or len(table))):
        return train.train(table, threads=threads).content


def usual(table: RunTable, threads: int) -> bytes:
    """As the service does it."""
    return train.train(table, threads=threads).content


def capped(table: RunTable, threads: int, cap: int) -> bytes:
    return train.train(table.take(representative(table, cap * len(table.datasets))), threads=threads).content


def learned_on(table: RunTable, threads: int) -> bytes:
    """The datasets that come last in the order of names are new to the increments."""
    ends = [round(share * len(table)) for share in np.linspace(10 / 11, 1, INCREMENTS + 1)[:-1]]
    parts = np.array_split(np.argsort(table.dataset, kind="stable"), ends)
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


# ---------------------------------------------------------------- what is gained on new data


@dataclass(frozen=True)
class Gain:
    """Of the new datasets' other runs: rank correlation and R² of scores, without them, learned on, and in full."""

    figures: FloatArray  # (3, 2)
    n_new: int
    times_faster: float  # processor time of the full refit over that of the increment


def gain(table: RunTable, target: str) -> Gain:
    """All on one thread."""
    rng = np.random.default_rng(0)
    added = rng.permutation(len(table.datasets))[: max(2, round(0.1 * len(table.datasets)))]
    is_new, first_half = np.isin(table.dataset, added), rng.uniform(size=len(table)) < 0.5
    old, new, other = (
        _only(table, np.flatnonzero(rows)) for rows in (~is_new, is_new & first_half, is_new & ~first_half)
    )
    champion = train.train(old)
    increment, seconds = _timed(lambda: learn_on(champion.content, champion.continuation, new))
    everything = _only(table, np.flatnonzero(~is_new | first_half))
    full, seconds_in_full = _timed(lambda: train.train(everything, previous=champion.content))
    figures = [_figures(step.content, other, target) for step in (champion, increment, full)]
    return Gain(np.array(figures), len(new), seconds_in_full / seconds)


def _timed(work: Callable[[], train.Trained]) -> tuple[train.Trained, float]:
    began = time.process_time()
    return work(), time.process_time() - began


def _figures(content: bytes, table: RunTable, target: str) -> tuple[float, float]:
    """Mean rank correlation over datasets, and R², of the prior's scores with the ranks of real outcomes."""
    learner = bundle.from_bytes(content)
    frame = learner.featuriser.transform(with_ends(table).inputs, table.meta_features, table.dataset)
    f, y = learner.targets[target].prior.scores(frame.X), table.targets[target]
    z = rank_scores(learner.targets[target].scale.to_v(y), table.dataset, np.ones(len(y), dtype=np.bool_))
    by_dataset = [spearmanr(f[rows], y[rows]).statistic for rows in rows_by_dataset(table.dataset)]
    return float(np.nanmean(by_dataset)), float(1 - np.mean((z - f) ** 2) / np.mean(z**2))


def show_gains(gains: dict[str, Gain]) -> None:
    table = Table("", "new runs", "champion", "increment", "full refit", "gained", "faster")

    def add(name: str, n_new: str, figures: FloatArray, faster: str) -> None:
        told = (f"{correlation:.3f}, {fit:.3f}" for correlation, fit in figures)
        gained = (figures[1] - figures[0]) / (figures[2] - figures[0])
        table.add_row(name, n_new, *told, ", ".join(f"{share:.2f}" for share in gained), faster)

    for name, found in gains.items():
        add(name, str(found.n_new), found.figures, f"{found.times_faster:.0f} x")
    add("mean", "", np.mean([found.figures for found in gains.values()], axis=0), "")
    Console().print("rank correlation, R² on the new datasets' other runs", table)


# ---------------------------------------------------------------- from the shell


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--bench", type=Path, required=True)
    options.add_argument("--only", nargs="*", default=[], metavar="NAME")
    options.add_argument("--times", type=int, default=4)
    options.add_argument("--cap", type=int, nargs="*", default=[100], help="runs of a dataset, on average")
    options.add_argument("--splits", type=int, default=1)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--unbounded", action="store_true", help="also the fit of all of it, however much that is")
    options.add_argument("--new", action="store_true", help="what is gained on new data instead")
    given = options.parse_args()
    bench = Bench(given.bench, None)
    if given.new:
        splits = [bench.split(spec.name, 0) for spec in bench.specs(given.only)]
        tables = [history_of(split, bench.module("tasks").meta_of, bench.inputs) for split in splits]
        pairs = zip(splits, tables, strict=True)
        show_gains({split.spec.name: gain(table, split.spec.target) for split, table in pairs})
        return
    ways: dict[str, Callable[[RunTable], bytes]] = {"the service's": lambda table: usual(table, given.threads)}
    if given.unbounded:
        ways["all of it"] = lambda table: whole(table, given.threads)
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
    usual = "the service's"
    table = Table("", "datasets", *(f"regret after {k}" if k else "first pick" for k in AT), "mean", f"to {usual}")
    reference = np.mean(found[usual])
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
