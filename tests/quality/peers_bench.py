"""`python -m tests.quality.peers_bench [--smac PYTHON]`: ten configurations asked for, of us and of others.

The same space of 10 parameters, the same 1,000 past runs, processor seconds of one thread: Optuna's samplers and SMAC
have the runs told and are asked ten times; we have learned from them and are asked for ten at once. SMAC needs an
environment of its own, whose Python is given.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from app.featurise.frame import run_table
from app.learn import bundle
from app.learn.meta_learner import MetaLearner
from app.learn.train import train
from app.search.compiled import make_ready
from app.search.means import Means
from app.search.question import HURRIED_MS, Question
from app.search.rank import rank
from app.space import SearchSpace
from app.types import Objective, Run, StoredRun
from tests.histories import NOW
from tests.quality.bench import ids
from tests.quality.exact_bench import learned, made_space, say, seconds

N_RUNS, N_DATASETS, ASKED, REPEATED = 1_000, 10, 10, 9
N_PARAMETERS, N_OTHER = 10, 8
GOOD = Objective(metric="good", direction="maximize")
Configurations = list[dict[str, Any]]


def specs(space: SearchSpace) -> dict[str, dict[str, Any]]:
    """The space in words that every peer's own can be made of."""
    found: dict[str, dict[str, Any]] = {"family": {"kind": "choices", "choices": ["a", "b"]}}
    for parameter in space.parameters[1:]:
        integer = bool(getattr(parameter, "integer", False))
        found[parameter.name] = {
            "kind": "int" if integer else "float",
            "low": 1 if integer else 1e-4,
            "high": 64 if integer else 1.0,
            "log": bool(getattr(parameter, "log", False)),
        }
    return found


def champion(configurations: Configurations, y: Any) -> MetaLearner:
    """What the service learns from these runs, of ten datasets."""
    bodies = [
        {"dataset": f"d{i % N_DATASETS}", "state": "completed", "hyperparameters": c, "metrics": {"good": float(v)}}
        for i, (c, v) in enumerate(zip(configurations, y, strict=True))
    ]
    runs = [StoredRun(i, Run.model_validate(b), NOW, NOW) for i, b in zip(ids(len(bodies)), bodies, strict=True)]
    return bundle.from_bytes(train(run_table(runs, {})).content)


def ours(space: SearchSpace, learner: MetaLearner) -> dict[str, float]:
    """The first question about a space, and the median of more about it, each with a sample of its own.

    A proof of the best, a batch, and the best in a hurry: of a sample, as the peers take one. The meta-learner has
    answered about another space before.
    """
    found = {}
    for strategy, budget in (("best", 10_000), ("improve", 10_000), ("best", HURRIED_MS // 2)):
        means, taken = Means(), []
        rank(Question(made_space(N_OTHER), (GOOD,), strategy=strategy, budget_ms=budget), learner, means)
        for i in range(1 + REPEATED):
            asked = Question(space, (GOOD,), top_k=ASKED, strategy=strategy, seed=i, budget_ms=budget)
            taken.append(seconds(lambda a=asked, m=means: rank(a, learner, m))[0])
        name = f"forerun, `{strategy}`" + (" in a hurry" if budget < HURRIED_MS else "")
        found |= {f"{name}, first question": taken[0], f"{name}, next ones": statistics.median(taken[1:])}
    return found


def optunas(parameters: dict[str, dict[str, Any]], configurations: Configurations, y: Any) -> dict[str, float | str]:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    distributions: dict[str, Any] = {}
    for name, spec in parameters.items():
        if spec["kind"] == "choices":
            distributions[name] = optuna.distributions.CategoricalDistribution(spec["choices"])
        elif spec["kind"] == "int":
            distributions[name] = optuna.distributions.IntDistribution(spec["low"], spec["high"])
        else:
            distributions[name] = optuna.distributions.FloatDistribution(spec["low"], spec["high"], log=spec["log"])
    told = [
        optuna.trial.create_trial(params=c, distributions=distributions, value=float(v))
        for c, v in zip(configurations, y, strict=True)
    ]
    found: dict[str, float | str] = {}
    for name, sampler in (
        ("Optuna TPE", optuna.samplers.TPESampler(seed=0)),
        ("Optuna GP", optuna.samplers.GPSampler(seed=0)),
    ):
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.add_trials(told)
        try:
            found[name], _ = seconds(lambda s=study: [s.ask(distributions) for _ in range(ASKED)])
        except ImportError as error:  # Optuna loads what a sampler needs when it is first asked
            found[name] = f"not measured: {error}"
    return found


def smac(python: str, parameters: dict[str, dict[str, Any]], configurations: Configurations, y: Any) -> float:
    asked = {"parameters": parameters, "runs": configurations, "costs": [-float(v) for v in y], "ask": ASKED}
    command = [python, str(Path(__file__).with_name("smac_peer.py"))]
    answer = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=True)
    return float(json.loads(answer.stdout.splitlines()[-1])["seconds"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smac", help="the Python of an environment that has SMAC")
    options = parser.parse_args()
    for _ in make_ready():
        pass
    space = made_space(N_PARAMETERS)
    _, _, _, (runs, y) = learned(space, N_RUNS)
    configurations, parameters = space.decode(runs, range(N_RUNS)), specs(space)
    found: dict[str, float | str] = {**optunas(parameters, configurations, y)}
    if options.smac:
        found["SMAC"] = smac(options.smac, parameters, configurations, y)
    fastest = min(took for took in found.values() if isinstance(took, float))
    say("| ten configurations, 10 parameters, 1,000 past runs | seconds | the fastest peer takes |\n|---|---|---|")
    for name, took in {**found, **ours(space, champion(configurations, np.asarray(y)))}.items():
        against = f"{fastest / took:.1f} x" if isinstance(took, float) else ""
        say(f"| {name} | {took if isinstance(took, str) else f'{took:.3f}'} | {against} |")


if __name__ == "__main__":
    sys.exit(main())
