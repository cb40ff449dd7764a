"""Exact search in figures: `python -m tests.quality.exact_bench [--prototype FOLDER] [--only NAME ...]`.

`hard`    models of random networks on which every tree reads nearly six dimensions; beside them, where its folder is
          given, the prototype on the same model in the same run
`space`   a conditional, continuous space of 20 parameters, against random samples of it
`peers`   ten configurations of a space of 10 parameters with 1,000 past runs, beside Optuna's samplers

Seconds are of the processor, so that what else the machine does matters little; the peers' and ours are measured alike.
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
from app.learn.trees import compile_trees
from app.search.branch_and_bound import top_k
from app.search.grid import Dimension, Grid, fold
from app.search.solve import solve
from app.space import Columns, SearchSpace, parse_search_space
from app.space.columns import n_rows, take

BUDGET, K = 20.0, 100
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
    solve(conditional, featuriser, encode, trees, 10, stop=within(0.1))  # compiles
    took, found = seconds(lambda: solve(conditional, featuriser, encode, trees, 10, stop=within(1.0)))
    best, chunk = -np.inf, 2**16
    for seed in range(n_samples // chunk):
        sampled = conditional.sample(chunk, seed=seed)
        best = max(best, float(trees.predict(encode(sampled)).max()))
    say("| 20 parameters, conditional, continuous | seconds | best | nothing beyond |\n|---|---|---|---|")
    say(f"| solve ({found.enumeration}) | {took:.2f} | {found.scores[0]:.4f} | {found.bound:.4f} |")
    say(f"| best of {n_samples // chunk * chunk:,} random samples | | {best:.4f} | |")


def peers() -> None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    ten = made_space(10)
    featuriser, encode, model, (runs, y) = learned(ten, 1_000)
    trees = compile_trees([(1.0, model)])
    solve(ten, featuriser, encode, trees, 10, stop=within(0.1))
    took, found = seconds(lambda: solve(ten, featuriser, encode, trees, 10, stop=within(2.0)))
    say("| ten configurations, 10 parameters, 1,000 past runs | seconds | |\n|---|---|---|")
    say(f"| solve | {took:.2f} | {found.enumeration} |")
    samplers = {"Optuna TPE": optuna.samplers.TPESampler(seed=0), "Optuna GP": optuna.samplers.GPSampler(seed=0)}
    kinds = {"x" + str(i): ("int" if i % 4 == 3 else "float", i % 3 == 0) for i in range(9)}
    configurations = ten.decode(take(runs, np.arange(n_rows(runs))), range(n_rows(runs)))
    distributions: dict[str, Any] = {"family": optuna.distributions.CategoricalDistribution(["a", "b"])}
    for name, (kind, log) in kinds.items():
        distributions[name] = (
            optuna.distributions.IntDistribution(1, 64)
            if kind == "int"
            else optuna.distributions.FloatDistribution(1e-4, 1.0, log=log)
        )
    for name, sampler in samplers.items():
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.add_trials(
            [
                optuna.trial.create_trial(params=c, distributions=distributions, value=float(v))
                for c, v in zip(configurations, y, strict=True)
            ]
        )
        try:
            asked, _ = seconds(lambda study=study: [study.ask(distributions) for _ in range(10)])
        except ImportError as error:  # Optuna loads what a sampler needs when it is first asked
            say(f"| {name} | not measured | {error} |")
            continue
        say(f"| {name} | {asked:.2f} | {asked / took:.0f} x |")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prototype", help="folder of the prototype to run beside")
    parser.add_argument("--samples", type=int, default=10_000_000)
    parser.add_argument("--only", nargs="*", default=["hard", "space", "peers"])
    options = parser.parse_args(arguments)
    if "space" in options.only:
        space(options.samples)
    if "peers" in options.only:
        peers()
    if "hard" in options.only:
        hard(options.prototype)


if __name__ == "__main__":
    main()
