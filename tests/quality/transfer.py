"""`python -m tests.quality.transfer --bench DIR`: what is picked, on real meta-datasets, without a server in between.

DIR holds a transfer benchmark (its modules `tasks`, `transfer` and `baselines`, and its data). Splits, candidates,
rounds and regrets are that benchmark's own; the methods are `app.learn` and `app.search` in this process. Every variant
is the method with a part removed, so the table says what each part earns. Fits are kept in `--cache`, if there is one.

Intervals are 95 % bootstraps over held-out datasets, stratified by benchmark; a dataset's seeds stay together.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from catboost import CatBoostRegressor
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from app.featurise.frame import columns_of, run_table
from app.learn import bundle
from app.learn.boosting import fit_member
from app.learn.cbm import model_from_bytes, model_to_bytes
from app.learn.meta_learner import MetaLearner
from app.search import acquisition
from app.search.adaptation import adapt
from app.space.columns import BoolArray, Float32Array, FloatArray
from app.types import OwnRun, Run, RunTable, StoredRun
from tests.histories import NOW
from tests.quality.bench import ids
from tests.quality.variants import VARIANTS, Patch, Variant, setting, within

TRIALS, RESAMPLES, CLOSE = 20, 2_000, 1e-3
COLUMNS = {"r1": "first pick", "t5": "after 5", "t10": "after 10", "t20": "after 20"}
Curve = list[float]
Curves = dict[str, dict[str, Curve]]
"""Regret of the zero-shot first pick, then after each trial, by "split/dataset" and benchmark."""


# ---------------------------------------------------------------- one split


def history_of(split: Any, meta_of: Callable[..., dict[str, float]], inputs: Callable[..., Any]) -> RunTable:
    """The split's history as it would be posted, less the targets that are no objective here."""
    runs = []
    rows = split.history.to_dict("records")
    for number, (row, identity) in enumerate(zip(rows, ids(len(rows)), strict=True)):
        body: dict[str, Any] = {"project": "transfer", "run_id": f"h{number}", "state": "completed"}
        body |= inputs(row, split.config) | {"dataset": row["task"], "metrics": {split.spec.target: row["y"]}}
        if split.spec.fidelity:
            body["fidelity"] = {name: row[f"fidelity.{name}"] for name in split.spec.fidelity}
        runs.append(StoredRun(identity, Run.model_validate(body), NOW, NOW))
    datasets = sorted({run.run.dataset.name for run in runs})
    return run_table(runs, {name: meta_of(split.meta, name) for name in datasets})


@dataclass(frozen=True)
class Task:
    """A held-out dataset: encoded candidates X (n, d), outcomes y and regrets (n,)."""

    name: str
    sign: float
    target: str
    X: Float32Array
    y: FloatArray
    regret: FloatArray


def replay(learner: MetaLearner, task: Task, variant: Variant, trials: int = TRIALS) -> Curve:
    """The zero-shot first pick's regret, then the lowest after each of the trials that `improve` proposes."""
    target = variant.change(learner.targets[task.target])
    points = target.prior.points(task.X)
    first = int(np.argmax(task.sign * points.f))
    own: list[int] = []
    curve = [float(task.regret[first])]
    for _ in range(min(trials, len(task.y))):
        runs = [OwnRun({}, {task.target: float(task.y[i])}) for i in own]
        adapted = adapt(task.target, target, task.sign, task.X[own], runs, task.X[:1])
        free = np.setdiff1d(np.arange(len(task.y)), own)
        nothing = points.take(np.zeros(0, dtype=np.int64))
        rows, _ = acquisition.batch(adapted, points.take(free), nothing, 1, weight=np.ones(len(free)))
        own.append(int(free[rows[0]]))
        curve.append(float(task.regret[own].min()))
    return curve


@dataclass(frozen=True)
class Bench:
    """The benchmark's folder, and what is kept between invocations."""

    folder: Path
    cache: Path | None

    def module(self, name: str) -> Any:
        if str(self.folder) not in sys.path:
            sys.path.insert(0, str(self.folder))
        return importlib.import_module(name)

    def specs(self, only: Sequence[str]) -> list[Any]:
        every = self.module("tasks").load_specs(self.folder / "benchmarks.toml")
        return [spec for spec in every if not only or spec.name in only]

    def split(self, name: str, index: int) -> Any:
        (spec,) = self.specs([name])
        return self.module("tasks").make_split(spec, index)

    def inputs(self, row: dict[str, Any], names: list[str]) -> dict[str, Any]:
        return dict(self.module("server").inputs(self.module("tasks").configuration(row, names)))

    def kept(self, name: str, make: Callable[[], bytes]) -> bytes:
        """Bytes from the cache, made where they are not there."""
        if self.cache is None:
            return make()
        path = self.cache / name
        if not path.exists():
            content = make()
            self.cache.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".part").write_bytes(content)
            path.with_suffix(".part").rename(path)
        return path.read_bytes()


def tasks_of(bench: Bench, split: Any, learner: MetaLearner) -> list[Task]:
    """The split's held-out datasets as the learner reads them."""
    spec, out = split.spec, []
    context = {f"fidelity.{name}": value for name, value in spec.fidelity.items()}
    for held in split.tasks:
        rows = [bench.inputs(row, split.config) for row in held.candidates.to_dict("records")]
        flat = [{f"{kind}.{k}": v for kind, part in row.items() for k, v in part.items()} | context for row in rows]
        meta = bench.module("tasks").meta_of(split.meta, held.name)
        X = learner.featuriser.transform(columns_of(flat), [meta], np.zeros(len(flat), dtype=np.int64)).X
        out.append(Task(held.name, spec.sign, spec.target, X, held.y, held.regret(spec)))
    return out


def remembering(bench: Bench) -> Patch:
    """CatBoost members kept by all that they are fitted from: variants that change the rest fit none of them anew."""

    def kept(X: Float32Array, z: FloatArray, rows: BoolArray, **settings: Any) -> CatBoostRegressor:
        told = repr(sorted((k, list(v) if k == "ignored" else v) for k, v in settings.items())).encode()
        digest = hashlib.sha256(b"".join([np.asfortranarray(X).tobytes("F"), z.tobytes(), rows.tobytes(), told]))
        name = f"member-{digest.hexdigest()[:32]}.cbm"
        return model_from_bytes(bench.kept(name, lambda: model_to_bytes(fit_member(X, z, rows, **settings))))

    return setting("app.learn.boosting.fit_member", kept)


def measure(bench: Bench, name: str, index: int, variants: Sequence[str]) -> dict[str, dict[str, Curve]]:
    """Curves of every variant on the held-out datasets of one split, by variant and "split/dataset"."""
    split = bench.split(name, index)
    out: dict[str, dict[str, Curve]] = {}
    with threadpool_limits(limits=1), within((remembering(bench),)):
        table = history_of(split, bench.module("tasks").meta_of, bench.inputs)
        for label in variants:
            variant = VARIANTS[label]
            key = f"{name}-{index}-{variant.fit_name}-{_digest_of_the_method()}.forerun"
            learner = bundle.from_bytes(bench.kept(key, partial(variant.fit, table)))
            tasks = tasks_of(bench, split, learner)
            with within(variant.answering):
                out[label] = {f"{index}/{task.name}": replay(learner, task, variant) for task in tasks}
    return out


def _digest_of_the_method() -> str:
    """Of the code that fits: a change of it makes what was fitted stale."""
    rooms = Path(bundle.__file__).parent.parent
    code = [path.read_bytes() for room in ("featurise", "learn") for path in sorted((rooms / room).glob("*.py"))]
    return hashlib.sha256(b"".join(code)).hexdigest()[:12]


def baselines(bench: Bench, name: str, index: int) -> dict[str, dict[str, Curve]]:
    """Curves of the seven baselines and `reference` on the same datasets; made once."""

    def make() -> bytes:
        transfer, methods, split = bench.module("transfer"), bench.module("baselines").METHODS, bench.split(name, index)
        out = {}
        with threadpool_limits(limits=1):
            for label, method in methods.items():
                records, _ = transfer.measure(method(), split, TRIALS)
                out[label] = {f"{index}/{r['task']}": [r["r1"], *r["curve"]] for r in records}
        return json.dumps(out).encode()

    return dict(json.loads(bench.kept(f"{name}-{index}-baselines.json", make)))


# ---------------------------------------------------------------- figures


@dataclass(frozen=True)
class Measured:
    """Regrets by method: variants and baselines. Shapes: each (datasets, columns), in one order per benchmark."""

    names: tuple[str, ...]
    datasets: tuple[str, ...]  # of each row: the seeds of a dataset are resampled together
    regrets: Mapping[str, FloatArray]

    @classmethod
    def of(cls, curves: Mapping[str, Mapping[str, Curve]]) -> Measured:
        keys = sorted(next(iter(curves.values())))
        regrets = {name: np.array([at(c[key]) for key in keys]) for name, c in curves.items() if c}
        return cls(tuple(keys), tuple(key.split("/", 1)[1] for key in keys), regrets)

    def resampled(self, rng: np.random.Generator) -> FloatArray:
        """How often each row is drawn (rows,) when datasets are drawn with replacement."""
        which, inverse = np.unique(self.datasets, return_inverse=True)
        return rng.multinomial(len(which), np.full(len(which), 1 / len(which)))[inverse].astype(np.float64)

    def means(self, weights: FloatArray) -> dict[str, FloatArray]:
        return {name: weights @ regrets / weights.sum() for name, regrets in self.regrets.items()}


def at(curve: Curve) -> list[float]:
    """The columns of a curve: the first pick, and after so many trials at most."""
    return [curve[0], *(curve[min(int(name[1:]), len(curve) - 1)] for name in list(COLUMNS)[1:])]


def ratios(means: Mapping[str, FloatArray], rivals: Iterable[str], of: str) -> FloatArray:
    """To the best rival of each column, picked in hindsight (columns,)."""
    best = np.min([means[name] for name in rivals if name in means], axis=0)
    return np.asarray((means[of] + CLOSE) / (best + CLOSE))


def interval(draws: FloatArray) -> FloatArray:
    return np.asarray(np.quantile(draws, [0.025, 0.975], axis=0))


def show(measured: Mapping[str, Measured], variants: Sequence[str], rivals: Sequence[str]) -> None:
    console = Console(width=160)
    rng = np.random.default_rng(0)
    weights = [{n: m.resampled(rng) for n, m in measured.items()} for _ in range(RESAMPLES)]
    for name, one in measured.items():
        table = Table("regret", *COLUMNS.values(), title=f"{name}: {len(one.names)} held-out datasets, seeds counted")
        for label in [*variants, *(r for r in (*rivals, "reference") if r in one.regrets)]:
            middle = one.means(np.ones(len(one.names)))[label]
            low, high = interval(np.array([one.means(w[name])[label] for w in weights]))
            table.add_row(label, *(f"{m:.4f} ({a:.4f} to {b:.4f})" for m, a, b in zip(middle, low, high, strict=True)))
        console.print(table)
    table = Table("ratio to the best baseline", *COLUMNS.values())
    for name in measured:
        table.add_row(name, *_cells(partial(_geometric, {name: measured[name]}, rivals, variants[0]), weights))
    for label in variants:
        table.add_row(f"geometric mean, {label}", *_cells(partial(_geometric, measured, rivals, label), weights))
    for label in variants[1:]:
        row = _cells(partial(_geometric, measured, variants[:1], label), weights)
        table.add_row(f"{label}, against {variants[0]}", *row)
    console.print(table)


def _geometric(
    measured: Mapping[str, Measured], rivals: Sequence[str], of: str, weights: Mapping[str, FloatArray]
) -> FloatArray:
    """Geometric mean over benchmarks of the ratio to the best rival (columns,). Without weights: of all datasets."""
    means = [one.means(weights.get(name, np.ones(len(one.names)))) for name, one in measured.items()]
    return np.asarray(np.exp(np.mean([np.log(ratios(m, rivals, of)) for m in means], axis=0)))


def _cells(
    figure: Callable[[Mapping[str, FloatArray]], FloatArray], weights: Sequence[Mapping[str, FloatArray]]
) -> list[str]:
    low, high = interval(np.array([figure(w) for w in weights]))
    return [f"{m:.2f} ({a:.2f} to {b:.2f})" for m, a, b in zip(figure({}), low, high, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, required=True, help="the folder of the transfer benchmark")
    parser.add_argument("--cache", type=Path, help="where fits and baselines are kept between invocations")
    parser.add_argument("--only", nargs="+", default=[], metavar="BENCHMARK")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS)[:1], choices=[*VARIANTS, "all"])
    given = parser.parse_args()
    variants = list(VARIANTS) if "all" in given.variants else given.variants
    bench = Bench(given.bench.resolve(), given.cache)
    measured: dict[str, Measured] = {}
    rivals: list[str] = []
    started = time.perf_counter()
    with ProcessPoolExecutor(given.jobs) as pool:
        for spec in bench.specs(given.only):
            indices = range(given.seeds * spec.splits)
            ours = [pool.submit(measure, bench, spec.name, i, variants) for i in indices]
            theirs = [pool.submit(baselines, bench, spec.name, i) for i in indices]
            curves: dict[str, dict[str, Curve]] = {}
            for job in [*ours, *theirs]:
                for label, by_dataset in job.result().items():
                    curves.setdefault(label, {}).update(by_dataset)
            measured[spec.name] = Measured.of(curves)
            rivals += [n for n in measured[spec.name].regrets if n not in (*variants, *rivals, "reference")]
            sys.stderr.write(f"{spec.name}: {time.perf_counter() - started:.0f} s so far\n")
    show(measured, variants, rivals)


if __name__ == "__main__":
    main()
