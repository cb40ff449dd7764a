"""Exact search in figures: `python -m tests.quality.exact_bench [--bench FOLDER] [--prototype FOLDER] [--only ...]`.

`champions`  meta-learners of the transfer benchmark's histories, where its folder is given: the scan beside CatBoost,
             the top 100 of grids of 10^9 and 10^12 points, and of a continuum beside random samples of it
`space`      a conditional, continuous space of 20 parameters, against random samples of it
`hard`       models of random networks on which every tree reads nearly six dimensions; beside them, where its folder is
             given, the prototype on the same model in the same run

Seconds are of the processor and of one thread, so that what else the machine does matters little.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from catboost import CatBoostRegressor

from app.featurise.featuriser import SOURCES, Featuriser
from app.featurise.frame import flat_columns
from app.featurise.schema import infer
from app.learn.score_trees import score_trees
from app.learn.trees import compile_trees, summed
from app.search.branch_and_bound import STEADY, top_k
from app.search.compiled import make_ready
from app.search.grid import Dimension, Grid, fold
from app.search.product import as_grid, in_values
from app.search.question import Question
from app.search.rank import rank
from app.search.scan import scan
from app.search.scene import Scene
from app.search.solve import solve
from app.space import Columns, SearchSpace, parse_search_space
from app.space.columns import n_rows
from tests.quality.champions import NAMES, Champion, continuous_space, fit, grid_space
from tests.quality.search_bench import champion_rows

BUDGET, K = 20.0, 100
COMPARED_UP_TO = 2**30
"""Folded points that the scan takes seconds for."""
HARD = {
    "10 dimensions x 8, depth 6": (10, 8, 6, "network"),
    "10 x 8, pure noise": (10, 8, 6, "noise"),
    "10 x 8, depth 8": (10, 8, 8, "network"),
    "14 x 8 (4e12)": (14, 8, 6, "network"),
    "20 x 50, sums of pairs (1e34)": (20, 50, 6, "pairs"),
    "8 x 100 (1e16)": (8, 100, 6, "network"),
    "20 x 10 (1e20)": (20, 10, 6, "network"),
}


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def seconds(function: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def within(budget: float) -> Callable[[], bool]:
    end = time.process_time() + budget
    return lambda: time.process_time() > end


def hard_model(n: int, values: int, depth: int, kind: str) -> CatBoostRegressor:
    """1,000 trees fitted to 50,000 points of the grid."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, values, (50_000, n)).astype(np.float32)
    unit = X / (values - 1) * 2 - 1
    if kind == "noise":
        y = rng.normal(size=len(X))
    elif kind == "pairs":
        y = sum(np.sin(3 * unit[:, i] * unit[:, (i + 1) % n] + unit[:, i]) for i in range(n))
    else:
        first, second = 3 * rng.normal(size=(n, 32)) / n**0.5, 3 * rng.normal(size=(32, 16)) / 32**0.5
        y = 3 * np.tanh(np.tanh(unit @ first + rng.normal(size=32)) @ second) @ rng.normal(size=16)
    options = {"thread_count": 1, "verbose": False, "allow_writing_files": False, "random_seed": 0}
    return CatBoostRegressor(iterations=1000, depth=depth, learning_rate=0.1, **options).fit(X, y)


def hard(prototype: str | None) -> None:
    say("| case | found in (s) | proven | best | nothing beyond | prototype |\n|---|---|---|---|---|---|")
    for name, (n, values, depth, kind) in HARD.items():
        model = hard_model(n, values, depth, kind)
        steps = np.arange(values, dtype=np.float32)[:, None]
        grid = Grid(tuple(Dimension(np.array([d]), steps) for d in range(n)), np.zeros(n, np.float32))
        factors = fold(compile_trees([(1.0, model)]), grid).factors
        took, found = seconds(lambda factors=factors: top_k(factors, K, stop=within(BUDGET)))
        beside = old(prototype, model, n, values) if prototype else ""
        say(f"| {name} | {took:.1f} | {found.proven} | {found.scores[0]:.2f} | {found.bound:.2f} | {beside} |")


def old(folder: str, model: CatBoostRegressor, n: int, values: int) -> str:
    """The prototype's time with tables of 1e4 entries, its default, and at most 5e7 nodes."""
    if folder not in sys.path:
        sys.path.insert(0, folder)
    module = importlib.import_module("grid_branch_and_bound")
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "model.json"
        model.save_model(str(path), format="json")
        spec = module.Spec(path, [([d], np.arange(values, dtype=np.float32)[:, None]) for d in range(n)], {})
    took, found = seconds(lambda: module.topk_bb(spec, K, 1e4, 50_000_000))
    return f"{took:.1f} s, proven {found['proved']}, {found['score'][0]:.2f} under {found['root']:.2f}"


def made_space(n: int) -> SearchSpace:
    """Two families; most parameters are continuous, and half of them belong to one family."""
    parameters: dict[str, Any] = {"family": ["a", "b"]}
    for i in range(n - 1):
        spec: dict[str, Any] = {"type": "float", "low": 1e-4, "high": 1.0, "log": i % 3 == 0}
        if i % 4 == 3:
            spec = {"type": "int", "low": 1, "high": 64}
        parameters[f"x{i}"] = spec | ({"when": {"family": "ab"[i % 2]}} if n > 10 and i >= n // 2 else {})
    return parse_search_space({"parameters": parameters})


def learned(space: SearchSpace, n_runs: int) -> tuple[Featuriser, Callable[[Columns], Any], CatBoostRegressor, Any]:
    """A model of a made-up response on random runs: (featuriser, encode, model, what was run)."""
    runs = space.sample(n_runs, seed=0)
    columns = flat_columns(space.inputs(runs))
    schemas = tuple(infer(p, column, SOURCES[p.partition(".")[0]]) for p, column in columns.items())
    featuriser = Featuriser((), schemas)

    def encode(some: Columns) -> Any:
        return featuriser.transform(space.inputs(some), [{}], np.zeros(n_rows(some), np.int64)).X

    X = encode(runs)
    rng = np.random.default_rng(1)
    unit = np.nan_to_num((X - np.nanmean(X, 0)) / (np.nanstd(X, 0) + 1e-9))
    y = np.tanh(unit @ rng.normal(size=(unit.shape[1], 8))) @ rng.normal(size=8) - 0.1 * (unit**2).sum(1)
    options = {"thread_count": 1, "verbose": False, "allow_writing_files": False, "random_seed": 0}
    return featuriser, encode, CatBoostRegressor(iterations=500, depth=6, **options).fit(X, y), (runs, y)


def space(n_samples: int) -> None:
    conditional = made_space(20)
    featuriser, encode, model, _ = learned(conditional, 2_000)
    trees = compile_trees([(1.0, model)])
    took, found = seconds(lambda: solve(conditional, featuriser, encode, trees, 10, effort=STEADY, stop=within(1.0)))
    best, chunk = -np.inf, 2**16
    for seed in range(n_samples // chunk):
        sampled = conditional.sample(chunk, seed=seed)
        best = max(best, float(trees.predict(encode(sampled)).max()))
    say("| 20 parameters, conditional, continuous | seconds | best | nothing beyond |\n|---|---|---|---|")
    say(f"| solve ({found.enumeration}) | {took:.2f} | {found.scores[0]:.4f} | {found.bound:.4f} |")
    say(f"| best of {n_samples // chunk * chunk:,} random samples | | {best:.4f} | |")


def question(champion: Champion, raw: dict[str, Any], budget_ms: int = 30_000) -> Question:
    return Question(
        parse_search_space(raw),
        (champion.objective,),
        champion.meta_features,
        champion.context,
        top_k=K,
        budget_ms=budget_ms,
    )


def scanned_alike(champion: Champion, asked: Question) -> str:
    """Whether branch and bound has the scores that the scan has, where the scan is possible."""
    scene = Scene(asked, champion.learner)
    target, grid = scene.objectives[0], as_grid(scene, asked.space)
    trees = score_trees(target.learner.prior)
    assert grid is not None
    assert trees is not None
    signed = summed([(target.sign, trees)])
    folded = fold(signed, grid)
    if np.prod(folded.factors.sizes, dtype=np.float64) > COMPARED_UP_TO:
        return "too large to scan"
    _, scores = in_values(folded, scan(folded.factors, K), K)
    solved = solve(asked.space, champion.learner.featuriser, scene.encode, signed, K, stop=within(BUDGET))
    assert solved is not None
    return "as the scan has it" if np.array_equal(scores, solved.scores) else "NOT as the scan has it"


def champions(folder: Path, n_samples: int) -> None:
    say("| champion | measured | |\n|---|---|---|")
    for name in NAMES:
        champion = fit(folder, name)
        for row in champion_rows(name, champion.learner):
            say("| {} | {} | {} |".format(*row))
        for points in (1e9, 1e12):
            asked = question(champion, grid_space(champion, points))
            rank(asked, champion.learner)
            took, found = seconds(lambda a=asked, c=champion: rank(a, c.learner))
            alike = scanned_alike(champion, asked)
            say(f"| {name}: top {K} of {found.space_size:.2g} points | {took:.2f} s | {found.enumeration}, {alike} |")
        asked = question(champion, continuous_space(champion), 2_000)
        took, found = seconds(lambda a=asked, c=champion: rank(a, c.learner))
        best = best_of_samples(Scene(asked, champion.learner), n_samples)
        score, gap = found.configurations[0]["score"], "" if found.gap is None else f", gap {found.gap:.3f}"
        say(f"| {name}: a continuum, first time | {took:.2f} s | {found.enumeration}{gap} |")
        say(f"| {name}: its best beside that of {n_samples:,} random samples | {score:.3f} | {best:.3f} |")


def best_of_samples(scene: Scene, n: int) -> float:
    space, chunk = scene.question.space, 2**16
    return max(
        float(scene.promise(space.sample(chunk, seed=seed), by_history=True).max()) for seed in range(-(-n // chunk))
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", type=Path, help="folder of the transfer benchmark, whose histories are learned from")
    parser.add_argument("--prototype", help="folder of the prototype to run beside")
    parser.add_argument("--samples", type=int, default=10_000_000)
    parser.add_argument("--only", nargs="*", default=["champions", "space", "hard"])
    options = parser.parse_args(arguments)
    for _ in make_ready():
        pass
    if "champions" in options.only and options.bench:
        champions(options.bench.resolve(), options.samples // 10)
    if "space" in options.only:
        space(options.samples)
    if "hard" in options.only:
        hard(options.prototype)


if __name__ == "__main__":
    main()
