"""SMAC asked for configurations: `python smac_peer.py < question.json`, in an environment of its own.

The question: {"parameters": {name: {"kind", "low", "high", "log", "choices"}}, "runs": [configurations],
"costs": [...], "ask": n}. The answer: processor seconds of being asked n times, when all runs have been told.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import time
from typing import Any


def main() -> None:
    from ConfigSpace import Categorical, Configuration, ConfigurationSpace, Float, Integer
    from smac import HyperparameterOptimizationFacade, Scenario
    from smac.runhistory import TrialInfo, TrialValue

    question: dict[str, Any] = json.load(sys.stdin)
    kinds = {"float": Float, "int": Integer}
    space = ConfigurationSpace(seed=0)
    for name, spec in question["parameters"].items():
        if spec["kind"] == "choices":
            space.add(Categorical(name, spec["choices"]))
        else:
            space.add(kinds[spec["kind"]](name, (spec["low"], spec["high"]), log=spec["log"]))
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        scenario = Scenario(
            space, n_trials=len(question["runs"]) + question["ask"] + 1, output_directory=folder, seed=0
        )
        smac = HyperparameterOptimizationFacade(
            scenario, lambda config, seed=0: 0.0, overwrite=True, logging_level=logging.CRITICAL
        )
        for values, cost in zip(question["runs"], question["costs"], strict=True):
            smac.tell(TrialInfo(Configuration(space, values), seed=0), TrialValue(cost=cost), save=False)
        start = time.process_time()
        for _ in range(question["ask"]):
            smac.ask()
        sys.stdout.write(json.dumps({"seconds": time.process_time() - start}))


if __name__ == "__main__":
    main()
