"""`python -m tests.quality.search_bench`: the search beside bare CatBoost, in processor time of one thread each.

Champions: one of a made history, and any bundle that is named (`name=path`), each over a grid that its own inputs span.
What goes over HTTP is measured on the wall, at a real `forerun serve` with the made champion.
"""

from __future__ import annotations

import re
import statistics
import sys
import time
from collections.abc import Callable
from math import prod
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self

import numpy as np
from catboost import CatBoostRegressor, Pool
from rich.console import Console
from rich.markdown import Markdown

from app.demo import client as api
from app.featurise.frame import run_table
from app.learn import bundle
from app.learn.meta_learner import MetaLearner
from app.learn.score_trees import score_trees
from app.learn.train import train
from app.learn.trees import Trees, compile_trees
from app.search.grid import Dimension, Folded, Grid, fold
from app.search.product import configurations
from app.search.scan import scan
from app.space import parse_search_space
from app.types import Run, RunTable, StoredRun
from tests.acceptance.service import Service, service
from tests.histories import NOW
from tests.quality.bench import ids, made_run, resident_bytes

N_DATASETS, RUNS_EACH, REPEATS, N_ROWS, K = 20, 100, 3, 100_000, 100
PROJECT = "search-bench"
Row = tuple[str, str, str]


def cpu_seconds(function: Callable[[], Any]) -> float:
    """Median of a few calls after one that is not counted."""
    function()
    taken = []
    for _ in range(REPEATS):
        start = time.process_time()
        function()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


# ---------------------------------------------------------------- champions


def made_history() -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    return [made_run(rng, dataset, i) for dataset in range(N_DATASETS) for i in range(RUNS_EACH)]


def made_champion(history: list[dict[str, Any]]) -> MetaLearner:
    runs = [StoredRun(i, Run.model_validate(b), NOW, NOW) for i, b in zip(ids(len(history)), history, strict=True)]
    table = run_table(runs, {run.run.dataset.name: dict(run.run.dataset.meta_features) for run in runs})
    only = {"accuracy": table.targets["accuracy"]}
    fields = {name: getattr(table, name) for name in RunTable.__slots__} | {"targets": only}
    return bundle.from_bytes(train(RunTable(**fields), threads=2).content)


def own_grid(learner: MetaLearner, trees: Trees, most_points: float) -> Grid:
    """The first inputs' own values: every level, or numbers between the borders that the trees compare them with."""
    features = learner.featuriser.features
    x = np.zeros(len(features), np.float32)
    dimensions: list[Dimension] = []
    for path in dict.fromkeys(f.path for f in features if f.kind in ("hyperparameters", "architecture")):
        touched = np.array([j for j, f in enumerate(features) if f.path == path])
        borders = np.unique(trees.border[np.isin(trees.feature, touched)])
        if features[touched[0]].encoding in ("number", "log") and len(touched) == 1 and len(borders) > 1:
            X = np.quantile(borders[1:], np.linspace(0, 1, min(20, len(borders)))).astype(np.float32)[:, None]
        elif len(touched) > 1:
            X = np.eye(len(touched), dtype=np.float32)
        else:
            continue
        if prod(len(d.X) for d in dimensions) * len(X) <= most_points:
            dimensions.append(Dimension(touched, X))
    return Grid(tuple(dimensions), x)


def six_dimensional() -> tuple[CatBoostRegressor, Trees, Grid]:
    """A thousand trees fitted to a random network, which read almost six of ten dimensions each."""
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(20_000, 10)).astype(np.float32)
    y = np.tanh(3 * (X - 0.5) @ rng.normal(size=(10, 32)) + rng.normal(size=32)) @ rng.normal(size=32)
    model = CatBoostRegressor(iterations=1_000, depth=6, thread_count=2, verbose=False, allow_writing_files=False)
    model.fit(Pool(X, y))
    values = np.linspace(0.0625, 0.9375, 8, dtype=np.float32)[:, None]
    grid = Grid(tuple(Dimension(np.array([j]), values) for j in range(8)), np.full(10, 0.5, np.float32))
    return model, compile_trees([(1.0, model)]), grid


def rows_of(grid: Grid) -> Any:
    """Random points of a grid as X in CatBoost's favourite order."""
    rng = np.random.default_rng(0)
    X = np.tile(grid.x, (N_ROWS, 1))
    for dimension in grid.dimensions:
        X[:, dimension.features] = dimension.X[rng.integers(0, len(dimension.X), N_ROWS)]
    return np.asfortranarray(X)


# ---------------------------------------------------------------- in this process


def scan_rows(name: str, folded: Folded, catboost_rate: float) -> list[Row]:
    """Every point scored, and only those that can be among the best, against CatBoost's rate (rows/s)."""
    n = prod(folded.factors.sizes)
    every, pruned = (cpu_seconds(lambda e=e: scan(folded.factors, K, every=e)) for e in (True, False))
    return [
        (
            f"{name}: {n:.2g} points, every one scored",
            f"{n / every / 1e6:.0f} M/s",
            f"{n / every / catboost_rate:.0f} ×",
        ),
        (f"{name}: the same top {K} by bounds", f"{pruned:.3f} s", f"{n / pruned / catboost_rate:.0f} ×"),
    ]


def champion_rows(name: str, learner: MetaLearner) -> list[Row]:
    target = next(iter(learner.targets.values()))
    trees = score_trees(target.prior)
    if trees is None:
        return [(f"{name}: its score is no sum of trees", "", "")]
    grid = own_grid(learner, trees, 3e7)
    X = rows_of(grid)
    pool = Pool(X)
    used = [view.ensemble for view, w in zip(target.prior.views, target.prior.blend, strict=False) if w and view.models]
    rate = N_ROWS / cpu_seconds(lambda: [model.predict(pool, thread_count=1) for model in used])
    listed = N_ROWS / cpu_seconds(lambda: target.prior.scores(X))
    folding = cpu_seconds(lambda: fold(trees, grid))
    return [
        (f"{name}: CatBoost, {len(trees)} trees, ready Pool", f"{rate / 1e6:.2f} M/s", "1"),
        (f"{name}: explicit list of {N_ROWS:,}", f"{listed / 1e6:.2f} M/s", f"{listed / rate:.2f} ×"),
        (f"{name}: folding", f"{folding:.3f} s", ""),
        *scan_rows(name, fold(trees, grid), rate),
    ]


def hard_rows() -> list[Row]:
    model, trees, grid = six_dimensional()
    pool = Pool(rows_of(grid))
    rate = N_ROWS / cpu_seconds(lambda: model.predict(pool, thread_count=1))
    return scan_rows("six dimensions a tree", fold(trees, grid), rate)


def space_row(learner: MetaLearner) -> Row:
    """A million points drawn, held to two rules and encoded."""
    parameters = {f"x{j}": {"type": "float", "low": 0.0, "high": 1.0} for j in range(6)} | {"c0": ["a", "b", "c"]}
    rules = {"forbidden": [{"c0": "a", "x0": [0.5]}], "constraints": ["x0 + x1 <= 1.5", "x2 * x3 < 0.9"]}
    space = parse_search_space({"parameters": parameters, **rules})
    n = 1_000_000
    rng = np.random.default_rng(0)
    columns = {p.key: p.from_unit(rng.random(n)) for p in space.parameters}

    def encode() -> None:
        kept = space.allowed(columns)
        inputs = {path: column.take(kept) for path, column in space.inputs(columns).items()}
        learner.featuriser.transform(inputs, [{}], np.zeros(int(kept.sum()), np.int64))

    return f"{n:,} candidates held to three rules and encoded", f"{cpu_seconds(encode):.2f} s", "under 0.5 s"


# ---------------------------------------------------------------- over HTTP


def grid(n: int) -> dict[str, Any]:
    """10^n points."""
    return {f"x{j}": {"type": "float", "low": 0.0, "high": 0.9, "step": 0.1} for j in range(n)}


def over_http(history: list[dict[str, Any]], learner: MetaLearner) -> list[Row]:
    """Grids of a million and more points and a continuum, asked for in one request each."""
    continuum = {f"x{j}": {"type": "float", "low": 0.0, "high": 1.0} for j in range(12)}
    dataset = {"name": "new", "meta_features": history[0]["dataset"]["meta_features"]}
    objectives = [{"metric": "accuracy", "direction": "maximize"}]
    question = {"project": PROJECT, "dataset": dataset, "objectives": objectives}
    rows = []
    with service() as server:
        server.start()
        with server.client() as client:
            api.post_runs(client, PROJECT, history)
            api.refit(client, PROJECT, lambda _: None)
            _await_compiled(client)
            start = time.perf_counter()
            api.recommend(client, {**question, "search_space": {"candidates": [{"x0": 0.5}]}})
            rows.append(("the first question to a process: it unpacks the meta-learner", _ms(start), ""))
            spaces = [(f"a grid of 10^{n}", grid(n)) for n in (6, 9, 12)]
            for name, parameters in [*spaces, ("a continuum of 12 parameters", continuum)]:
                asked = {**question, "search_space": {"parameters": parameters}}
                taken = []
                with Peak(server) as peak:
                    for i in range(5):
                        start = time.perf_counter()
                        answer = api.recommend(client, {**asked, "seed": i})
                        taken.append(time.perf_counter() - start)
                found = answer["search"]["enumeration"]
                rows.append((f"{name} over HTTP: the first time", f"{taken[0] * 1e3:.0f} ms", found))
                rows.append((f"{name} over HTTP: again", f"{statistics.median(taken[1:]) * 1e3:.0f} ms", ""))
                rows.append((f"{name}: memory at most, beyond before", f"{peak.more / 2**20:.0f} MiB", "under 300 MiB"))
    return [*rows, _bare(grid(6), learner)]


def _ms(start: float) -> str:
    return f"{(time.perf_counter() - start) * 1e3:.0f} ms"


def _await_compiled(client: Any) -> None:
    """Until all that searches is compiled: only the first start of an installation waits."""
    while not re.search(r"^forerun_search_ready 1", client.get("/metrics").text, re.MULTILINE):
        time.sleep(0.5)


class Peak:
    """The most memory that the API process holds while a block runs, beyond what it held before: looked at often."""

    def __init__(self, server: Service) -> None:
        self._server, self._over = server, Event()
        self.more = 0

    def __enter__(self) -> Self:
        before = resident_bytes(self._server)

        def look() -> None:
            while not self._over.wait(0.02):
                self.more = max(self.more, resident_bytes(self._server) - before)

        self._looking = Thread(target=look, daemon=True)
        self._looking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._looking.join()


def _bare(parameters: dict[str, Any], learner: MetaLearner) -> Row:
    """CatBoost alone on the million points, encoded beforehand."""
    space = parse_search_space({"parameters": parameters})
    values = np.column_stack([g.ravel() for g in np.meshgrid(*[np.arange(10)] * len(parameters), indexing="ij")])
    part = dict(space.inputs(configurations(space, values[:N_ROWS])))
    pool = Pool(learner.featuriser.transform(part, [{}], np.zeros(N_ROWS, np.int64)).X)
    prior = next(iter(learner.targets.values())).prior
    used = [view.ensemble for view, w in zip(prior.views, prior.blend, strict=False) if w and view.models]
    seconds = cpu_seconds(lambda: [model.predict(pool, thread_count=1) for model in used]) * len(values) / N_ROWS
    return "CatBoost alone on these 10^6 points, ready Pool", f"{seconds * 1e3:.0f} ms", f"from {N_ROWS:,} of them"


def main() -> None:
    history = made_history()
    champion = made_champion(history)
    rows = champion_rows("made history", champion)
    for given in sys.argv[1:]:
        name, _, path = given.partition("=")
        rows += champion_rows(name, bundle.from_bytes(Path(path).read_bytes()))
    rows += [*hard_rows(), space_row(champion), *over_http(history, champion)]
    table = "\n".join(f"| {figure} | {value} | {against} |" for figure, value, against in rows)
    Console(width=140).print(Markdown(f"| figure | measured | against |\n| --- | --- | --- |\n{table}"))
    sys.stdout.write(table + "\n")


if __name__ == "__main__":
    main()
