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
from catboost import CatBoostError
from threadpoolctl import threadpool_limits

from app.learn import bundle
from app.learn.meta_learner import MetaLearner, TargetLearner
from app.learn.train import train
from app.search import acquisition
from app.search.adaptation import adapt
from app.space.columns import FloatArray, IntArray
from app.types import OwnRun, Prediction, RunTable
from tests.quality.harms import HARMS
from tests.quality.resampling import Record
from tests.quality.transfer import Bench, Task, _digest_of_the_method, history_of, remembering, tasks_of
from tests.quality.trust_tables import COUNTS, show_batches, show_harms, show_intervals, show_many, show_pooled
from tests.quality.variants import within

OWN, TRIALS = 10, 10
MANY_OWN, MANY_LEFT = COUNTS[-1], 1_000
SINGLE, BATCHES = (1,) * 24, (8, 8, 8)
RIVALS = ("average_rank", "reference")
RIVAL_LABELS = {"held-out datasets without meta-features": "nameless"}
"""The history is as it was, and so is what we learn from it; rivals read the meta-features when they are fitted."""


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
    with within((remembering(bench),)):
        return bundle.from_bytes(bench.kept(key, lambda: train(table_of(bench, split), threads=1).content))


def rivals(bench: Bench, split: Any, label: str) -> dict[str, Record]:
    """Regrets of the simplest rule and of `reference` after the same was done to the history, by held-out dataset.

    Nothing is told of who cannot learn from what is left: `reference` needs ten runs of a dataset, and outcomes that
    differ.
    """

    def make() -> bytes:
        transfer, methods = bench.module("transfer"), bench.module("baselines").METHODS
        found: dict[str, Record] = {task.name: {} for task in split.tasks}
        for name in RIVALS:
            try:
                records, _ = transfer.measure(methods[name](), split, TRIALS)
            except (ZeroDivisionError, CatBoostError):
                continue
            for r in records:
                curve = r["curve"]
                found[r["task"]] |= {
                    f"{name} first": r["r1"],
                    f"{name} after 5": curve[min(4, len(curve) - 1)],
                    f"{name} after 10": curve[-1],
                }
        return json.dumps(found).encode()

    return dict(json.loads(bench.kept(f"{split.spec.name}-{split.index}-trust-{label}-rivals.json", make)))


def trusted_beside(bench: Bench, name: str, index: int) -> list[Record]:
    """As `trusted`, of the history as it is, with how often `reference`'s intervals hold and how wide they are."""

    def make() -> bytes:
        split, method = bench.split(name, index), bench.module("baselines").METHODS["reference"]()
        method.fit(split)
        ranked = {task.name: (method.rank(task), task.y) for task in split.tasks}
        figures = {
            n: held(Prediction(r.mean, r.mean, r.lower, r.upper), y, float(np.ptp(y))) for n, (r, y) in ranked.items()
        }
        return json.dumps(figures).encode()

    with threadpool_limits(limits=1):
        theirs = json.loads(bench.kept(f"{name}-{index}-reference-intervals.json", make))
    return [
        r | dict(zip(("reference held", "reference width"), theirs[r["task"]], strict=True))
        for r in trusted(bench, name, index, "as it is")
    ]


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


def trusted(bench: Bench, name: str, index: int, harm: str, *, against: bool = False) -> list[Record]:
    """Regrets, intervals and costs on one split's held-out datasets, after something was done to the history.

    `against`: with the regrets of `RIVALS`.
    """
    label, change = HARMS[harm]
    split = change(bench.split(name, index), np.random.default_rng(index))
    with threadpool_limits(limits=1):
        learner = learned(bench, split, label)
        target = learner.targets[split.spec.target]
        usual = _usual_costs(split)
        others = rivals(bench, split, RIVAL_LABELS.get(harm, label)) if against else {}
        return [
            {"task": task.name, **_one(target, task), **_cost(learner, task, whole, usual), **others.get(task.name, {})}
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
        learner = learned(bench, split, "whole")
        target = learner.targets[spec.target]
        for task in tasks_of(bench, split, learner):
            order = np.random.default_rng(index).permutation(len(task.y))
            if len(order) < MANY_OWN + MANY_LEFT // 10:
                continue
            own, rest = order[:MANY_OWN], np.sort(order[MANY_OWN:])
            row: Record = {"task": task.name}
            _asked(target, task, own[:1], rest)  # machine code is made ready once
            for n in COUNTS:
                row[f"seconds, {n}"], row[f"next, {n}"], row[f"held, {n}"] = _asked(target, task, own[:n], rest)
            out.append(row)
    return out


def _asked(target: TargetLearner, task: Task, own: IntArray, rest: IntArray) -> tuple[float, float, float]:
    """Processor seconds of one question, regret of its answer among the rest, and the share of intervals that hold."""
    started = time.process_time()
    points = target.prior.points(task.X[rest])
    scene = adapted(target, task, own)
    rows, _ = acquisition.batch(scene, points, points.take(own[:0]), 1, weight=np.ones(len(rest)))
    predicted = scene.predict(points)
    seconds = time.process_time() - started
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


ROWS = ("intervals", "harms", "batches", "many", "pooled")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, required=True, help="the folder of the transfer benchmark")
    parser.add_argument("--cache", type=Path, help="where fits are kept between invocations")
    parser.add_argument("--only", nargs="+", default=[], metavar="BENCHMARK")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=ROWS)
    parser.add_argument("--harms", nargs="+", default=list(HARMS), choices=HARMS)
    given = parser.parse_args()
    bench = Bench(given.bench.resolve(), given.cache)
    specs = bench.specs(given.only)
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
            show_intervals(over(trusted_beside))
        if "batches" in given.rows:
            show_batches(over(batches))
        if "many" in given.rows:
            show_many(over(many_own))
        if "pooled" in given.rows:
            show_pooled(over(pooled, "pmlb_sklearn"))
        if "harms" in given.rows:
            show_harms({harm: over(partial(trusted, harm=harm, against=True)) for harm in given.harms})


if __name__ == "__main__":
    main()
