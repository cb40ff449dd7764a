"""`python -m tests.quality.robustness --bench DIR`: whether answers can be trusted, and what they stand.

On the splits of `tests.quality.transfer`, without a server: do intervals hold, zero-shot and after ten own runs, and
how wide are they; how wrong are costs; what does a batch lose against one run after the other; what do poor histories
cost; does a pooled project serve each family of models as well as a project of its own. `--rows` picks some of these.

Every mean is over held-out datasets; intervals are 95 % bootstraps over datasets, whose seeds stay together.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from threadpoolctl import threadpool_limits

from app.learn import bundle
from app.learn.meta_learner import MetaLearner, TargetLearner
from app.learn.train import train
from app.search import acquisition
from app.search.adaptation import adapt
from app.space.columns import FloatArray, IntArray
from app.types import OwnRun, Prediction, RunTable
from tests.quality.resampling import Record, cell, mean, median, quotient, show
from tests.quality.transfer import Bench, Task, _digest_of_the_method, history_of, tasks_of

OWN, TRIALS = 10, 10
MANY_OWN, MANY_LEFT = 500, 1_000
SINGLE, BATCHES = (1,) * 24, (8, 8, 8)


# ---------------------------------------------------------------- what is done to a history


def _untouched(split: Any, _rng: np.random.Generator) -> Any:
    return split


def _five_runs(split: Any, rng: np.random.Generator) -> Any:
    shuffled = split.history.iloc[rng.permutation(len(split.history))]
    return replace(split, history=shuffled.groupby("task", sort=True).head(5).reset_index(drop=True))


def _ten_datasets(split: Any, rng: np.random.Generator) -> Any:
    kept = rng.permutation(sorted(split.history["task"].unique()))[:10]
    return replace(split, history=split.history[split.history["task"].isin(kept)].reset_index(drop=True))


def _noise(split: Any, rng: np.random.Generator) -> Any:
    """A tenth of the outcomes anywhere between the least and the largest of their dataset."""
    history = split.history.copy()
    lies = rng.random(len(history)) < 0.1
    by_task = history.groupby("task")["y"]
    anywhere = rng.uniform(by_task.transform("min"), by_task.transform("max"))
    return replace(split, history=history.assign(y=np.where(lies, anywhere, history["y"])))


def _rescaled(split: Any, rng: np.random.Generator) -> Any:
    """Every dataset's metric in another unit: up to ten times or a tenth, shifted where it need not be positive."""
    history = split.history.copy()
    names = sorted(history["task"].unique())
    unit = dict(zip(names, 10 ** rng.uniform(-1, 1, len(names)), strict=True))
    shift = dict(zip(names, rng.normal(0, 1, len(names)) * (not split.spec.log_regret), strict=True))
    return replace(
        split, history=history.assign(y=history["y"] * history["task"].map(unit) + history["task"].map(shift))
    )


def _nameless(split: Any, _rng: np.random.Generator) -> Any:
    return replace(split, tasks=split.tasks, meta=None if split.meta is None else split.meta.drop(_held_out(split)))


def _held_out(split: Any) -> list[str]:
    return [task.name for task in split.tasks if task.name in split.meta.index]


HARMS: dict[str, tuple[str, Callable[[Any, np.random.Generator], Any]]] = {
    "as it is": ("whole", _untouched),
    "held-out datasets without meta-features": ("whole", _nameless),
    "5 runs a dataset": ("five", _five_runs),
    "10 datasets": ("ten", _ten_datasets),
    "10 % of outcomes replaced by noise": ("noise", _noise),
    "metrics rescaled dataset by dataset": ("rescaled", _rescaled),
}


# ---------------------------------------------------------------- one split


def table_of(bench: Bench, split: Any) -> RunTable:
    """The history with its cost, where it has one, as the resource "cost"."""
    table = history_of(split, bench.module("tasks").meta_of, bench.inputs)
    if not split.spec.cost:
        return table
    cost = split.history["cost"].to_numpy(np.float64)
    return replace(table, targets={**table.targets, "cost": cost}, resources=frozenset({"cost"}))


def learned(bench: Bench, split: Any, label: str) -> MetaLearner:
    """A meta-learner of the split's history; `label` tells what was done to it."""
    key = f"{split.spec.name}-{split.index}-trust-{label}-{_digest_of_the_method()}.forerun"
    return bundle.from_bytes(bench.kept(key, lambda: train(table_of(bench, split), threads=1).content))


def searched(target: TargetLearner, task: Task, sizes: Sequence[int]) -> list[int]:
    """The candidates that `improve` proposes, in batches of these sizes, each with the outcomes of those before."""
    points, own = target.prior.points(task.X), np.zeros(0, dtype=np.int64)
    nothing = points.take(own)
    for size in sizes:
        free = np.setdiff1d(np.arange(len(task.y)), own)
        weight = np.ones(len(free))
        rows, _ = acquisition.batch(adapted(target, task, own), points.take(free), nothing, size, weight=weight)
        own = np.append(own, free[rows])
    return [int(i) for i in own]


def adapted(target: TargetLearner, task: Task, own: IntArray) -> Any:
    runs = [OwnRun({}, {task.target: float(task.y[i])}) for i in own]
    return adapt(task.target, target, task.sign, task.X[own], runs, task.X[:1])


def held(predicted: Prediction, y: FloatArray, span: float) -> tuple[float, float]:
    """The share of outcomes inside their intervals, and the intervals' mean width over the outcomes' range."""
    inside = (y >= predicted.lower) & (y <= predicted.upper)
    return float(inside.mean()), float((predicted.upper - predicted.lower).mean()) / span


def trusted(bench: Bench, name: str, index: int, harm: str) -> list[Record]:
    """Regrets, intervals and costs on one split's held-out datasets, after something was done to the history."""
    label, change = HARMS[harm]
    split = change(bench.split(name, index), np.random.default_rng(index))
    with threadpool_limits(limits=1):
        learner = learned(bench, split, label)
        target = learner.targets[split.spec.target]
        usual = _usual_costs(split)
        return [
            {"task": task.name, **_one(target, task), **_cost(learner, task, whole, usual)}
            for task, whole in zip(tasks_of(bench, split, learner), split.tasks, strict=True)
        ]


def _one(target: TargetLearner, task: Task) -> Record:
    own = np.array(searched(target, task, (1,) * min(TRIALS, len(task.y) - 1)))
    regret, span = np.minimum.accumulate(task.regret[own]), float(np.ptp(task.y))
    points = target.prior.points(task.X)
    before = held(target.zero_shot(points.f, target.dataset_prior(task.X)), task.y, span)
    rest = np.setdiff1d(np.arange(len(task.y)), own[:OWN])
    after = held(adapted(target, task, own[:OWN]).predict(points.take(rest)), task.y[rest], span)
    return {
        "first": float(regret[0]),
        "after 5": float(regret[min(4, len(own) - 1)]),
        "after 10": float(regret[-1]),
        "held": before[0],
        "width": before[1],
        "held after 10": after[0],
        "width after 10": after[1],
    }


def _usual_costs(split: Any) -> tuple[Mapping[str, float], float]:
    """The median of each configuration's costs in the history, and of all of them, at full fidelity."""
    full = split.history
    for name, value in split.spec.fidelity.items():
        full = full[full[f"fidelity.{name}"] == value]
    return full.groupby("config_id")["cost"].median().to_dict(), float(full["cost"].median())


def _cost(learner: MetaLearner, task: Task, whole: Any, usual: tuple[Mapping[str, float], float]) -> Record:
    if whole.cost is None or "cost" not in learner.targets:
        return {}
    target = learner.targets["cost"]
    ours = target.zero_shot(target.prior.points(task.X).f, target.dataset_prior(task.X))
    theirs = np.array([usual[0].get(i, usual[1]) for i in whole.ids])
    known = whole.cost > 0
    error = {
        label: np.abs(c - whole.cost)[known] / whole.cost[known]
        for label, c in (("cost", ours.mean), ("usual", theirs))
    }
    return {label: float(np.median(e)) for label, e in error.items()} | {
        "cost held": held(ours, whole.cost, 1.0)[0],
    }


def batches(bench: Bench, name: str, index: int) -> list[Record]:
    """Regret after 24 trials: one after the other, and in three batches of eight."""
    split = bench.split(name, index)
    with threadpool_limits(limits=1):
        learner = learned(bench, split, "whole")
        target = learner.targets[split.spec.target]
        tasks = [task for task in tasks_of(bench, split, learner) if len(task.y) > len(SINGLE)]
        ends = {"one by one": SINGLE, "batches": BATCHES}
        return [
            {"task": task.name}
            | {label: float(task.regret[searched(target, task, s)].min()) for label, s in ends.items()}
            for task in tasks
        ]


def many_own(bench: Bench, name: str, index: int) -> list[Record]:
    """Where a dataset has enough: 500 own runs at random, and what the next pick among a thousand others is worth."""
    (spec,) = bench.specs([name])
    split = bench.module("tasks").make_split(replace(spec, candidates=MANY_OWN + MANY_LEFT), index)
    out: list[Record] = []
    with threadpool_limits(limits=1):
        learner = learned(bench, split, "many")
        target = learner.targets[spec.target]
        for task in tasks_of(bench, split, learner):
            order = np.random.default_rng(index).permutation(len(task.y))
            if len(order) < MANY_OWN + MANY_LEFT // 4:
                continue
            own, rest = order[:MANY_OWN], np.sort(order[MANY_OWN:])
            row: Record = {"task": task.name}
            for n in (0, 100, MANY_OWN):
                row[f"seconds, {n}"], row[f"next, {n}"], row[f"held, {n}"] = _asked(target, task, own[:n], rest)
            out.append(row)
    return out


def _asked(target: TargetLearner, task: Task, own: IntArray, rest: IntArray) -> tuple[float, float, float]:
    """Seconds of one question, regret of its answer among the rest, and the share of intervals that hold."""
    started = time.perf_counter()
    points = target.prior.points(task.X[rest])
    scene = adapted(target, task, own)
    rows, _ = acquisition.batch(scene, points, points.take(own[:0]), 1, weight=np.ones(len(rest)))
    predicted = scene.predict(points)
    seconds = time.perf_counter() - started
    y = task.sign * task.y[rest]
    return seconds, float((y.max() - y[rows[0]]) / np.ptp(y)), held(predicted, task.y[rest], 1.0)[0]


def pooled(bench: Bench, name: str, index: int) -> list[Record]:
    """For each family of models: its configurations asked of the pooled project, and of a project of its own."""
    split = bench.split(name, index)
    out: list[Record] = []
    with threadpool_limits(limits=1):
        everyone = learned(bench, split, "whole")
        for family, history in split.history.groupby("algorithm", sort=True):
            own = learned(bench, replace(split, history=history.reset_index(drop=True)), str(family))
            tasks = [_part(task, "algorithm", family) for task in split.tasks]
            only = replace(split, tasks=[task for task in tasks if len(task.y) >= 2 * OWN and np.ptp(task.y) > 0])
            both = zip(tasks_of(bench, only, everyone), tasks_of(bench, only, own), strict=True)
            for ours, theirs in both:
                row: Record = {"task": ours.name, "family": family}
                for label, learner, task in (("pooled", everyone, ours), ("own", own, theirs)):
                    curve = task.regret[searched(learner.targets[split.spec.target], task, (1,) * 5)]
                    row |= {f"{label} first": float(curve[0]), f"{label} after 5": float(curve.min())}
                out.append(row)
    return out


def _part(task: Any, column: str, value: object) -> Any:
    rows = np.flatnonzero(task.candidates[column].to_numpy() == value)
    return replace(
        task,
        candidates=task.candidates.iloc[rows].reset_index(drop=True),
        ids=[task.ids[i] for i in rows],
        y=task.y[rows],
        measured=[task.measured[i] for i in rows],
    )


# ---------------------------------------------------------------- the rows


def show_intervals(found: Mapping[str, list[Record]], widths: Mapping[str, float]) -> None:
    rows = (
        (
            name,
            cell(r, mean("held")),
            cell(r, median("width")),
            f"{widths.get(name, float('nan')):.3f}",
            cell(r, mean("held after 10")),
            cell(r, median("width after 10")),
        )
        for name, r in found.items()
    )
    head = ("90 % intervals", "hold", "median width", "reference's width", "hold after 10", "median width after 10")
    show("Intervals of real runs on held-out datasets", head, rows)
    costs = {name: [x for x in r if "cost" in x] for name, r in found.items()}
    rows = (
        (
            name,
            cell(r, median("cost")),
            cell(r, median("usual")),
            cell(r, quotient(median("usual"), median("cost"))),
            cell(r, mean("cost held")),
        )
        for name, r in costs.items()
        if r
    )
    head = ("median relative error of the cost", "forerun", "configuration's median", "times better", "intervals hold")
    show("Costs, zero-shot", head, rows)


def show_harms(found: Mapping[str, Mapping[str, list[Record]]]) -> None:
    for field in ("first", "after 5", "after 10", "held"):
        names = list(next(iter(found.values())))
        rows = ((harm, *(cell(by_name.get(n, []), mean(field)) for n in names)) for harm, by_name in found.items())
        show(f"Regret, {field}" if field != "held" else "Intervals hold", ("history", *names), rows)


def show_batches(found: Mapping[str, list[Record]]) -> None:
    worse = quotient(mean("batches"), mean("one by one"), near=1e-3)
    rows = [
        (n, cell(r, mean("one by one"), 4), cell(r, mean("batches"), 4), cell(r, worse, 2)) for n, r in found.items()
    ]
    show("24 trials", ("regret", "one by one", "three batches of eight", "ratio"), iter(rows))
    ratio = np.exp(np.mean([np.log(worse(r)) for r in found.values()]))
    Console().print(f"geometric mean of the ratios: {ratio:.2f}")


def show_many(found: Mapping[str, list[Record]]) -> None:
    rows = (
        (name, str(n), cell(r, median(f"seconds, {n}")), cell(r, mean(f"next, {n}"), 4), cell(r, mean(f"held, {n}")))
        for name, r in found.items()
        if r
        for n in (0, 100, MANY_OWN)
    )
    show("Many own runs", ("benchmark", "own runs", "seconds a question", "regret of the next pick", "held"), rows)


def show_pooled(found: Mapping[str, list[Record]]) -> None:
    for records in found.values():
        families = {str(f): [r for r in records if r["family"] == f] for f in sorted({r["family"] for r in records})}
        rows = (
            (name, *(cell(r, mean(f"{who} {at}")) for at in ("first", "after 5") for who in ("pooled", "own")))
            for name, r in {**families, "all": records}.items()
        )
        show("Families", ("regret", "first, pooled", "first, own", "after 5, pooled", "after 5, own"), rows)


ROWS = ("intervals", "harms", "batches", "many", "pooled")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, required=True, help="the folder of the transfer benchmark")
    parser.add_argument("--cache", type=Path, help="where fits are kept between invocations")
    parser.add_argument("--only", nargs="+", default=[], metavar="BENCHMARK")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=ROWS)
    given = parser.parse_args()
    bench = Bench(given.bench.resolve(), given.cache)
    specs = bench.specs(given.only)
    known = json.loads((bench.folder / "baselines.json").read_text())["benchmarks"]
    widths = {s.name: float(np.median([t["width"] for t in known[s.name]["reference"]["tasks"]])) for s in specs}
    with ProcessPoolExecutor(given.jobs) as pool:

        def over(job: Callable[..., list[Record]], *names: str) -> dict[str, list[Record]]:
            out: dict[str, list[Record]] = {}
            for spec in specs:
                if not names or spec.name in names:
                    jobs = [pool.submit(job, bench, spec.name, i) for i in range(given.seeds * spec.splits)]
                    out[spec.name] = [record for one in jobs for record in one.result()]
                    sys.stderr.write(f"{getattr(job, '__name__', 'job')} {spec.name}\n")
            return out

        if "intervals" in given.rows:
            show_intervals(over(partial(trusted, harm="as it is")), widths)
        if "batches" in given.rows:
            show_batches(over(batches))
        if "many" in given.rows:
            show_many(over(many_own))
        if "pooled" in given.rows:
            show_pooled(over(pooled, "pmlb_sklearn"))
        if "harms" in given.rows:
            show_harms({harm: over(partial(trusted, harm=harm)) for harm in HARMS})


if __name__ == "__main__":
    main()
