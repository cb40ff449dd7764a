"""Champions of real histories: fitted to the meta-datasets of the transfer benchmark, and spaces for them.

The benchmark's folder is given by whoever runs this; nothing of it is kept here.
"""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.featurise.frame import run_table
from app.learn import bundle
from app.learn.meta_learner import MetaLearner
from app.learn.train import train
from app.types import INPUT_KINDS, Objective, Run, RunTable, StoredRun
from tests.histories import NOW
from tests.quality.bench import ids

NAMES = ("yahpo_lcbench", "pmlb_sklearn", "openml100_svc")


@dataclass(frozen=True)
class Champion:
    """A meta-learner of one target, a held-out dataset that it is asked about, and the values that inputs had."""

    name: str
    learner: MetaLearner
    objective: Objective
    meta_features: Mapping[str, float]
    context: Mapping[str, Any]
    values: Mapping[str, list[Any]]


def fit(folder: Path, name: str, threads: int = 2) -> Champion:
    """The champion of one benchmark's history, as the service would fit it, of its main target alone."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    tasks = importlib.import_module("tasks")
    spec = next(spec for spec in tasks.load_specs(folder / "benchmarks.toml") if spec.name == name)
    split = tasks.make_split(spec, 0)
    bodies = [_body(tasks, split, row) for row in split.history.to_dict("records")]
    runs = [StoredRun(i, Run.model_validate(b), NOW, NOW) for i, b in zip(ids(len(bodies)), bodies, strict=True)]
    datasets = {run.run.dataset.name for run in runs}
    table = run_table(runs, {dataset: tasks.meta_of(split.meta, dataset) for dataset in datasets})
    fields = {field: getattr(table, field) for field in RunTable.__slots__}
    fields["targets"] = {spec.target: table.targets[spec.target]}
    learner = bundle.from_bytes(train(RunTable(**fields), threads=threads).content)
    return Champion(
        name,
        learner,
        Objective(metric=spec.target, direction=spec.direction),
        tasks.meta_of(split.meta, split.tasks[0].name),
        {f"fidelity.{path}": value for path, value in spec.fidelity.items()},
        _values(split),
    )


def _body(tasks: Any, split: Any, row: dict[str, Any]) -> dict[str, Any]:
    spec, kinds = split.spec, {kind: dict[str, Any]() for kind in INPUT_KINDS}
    for name, value in tasks.configuration(row, split.config).items():
        kind, _, rest = name.partition(".")
        kinds.get(kind, kinds["hyperparameters"])[rest if kind in kinds else name] = value
    kinds["fidelity"] |= {path: row[f"fidelity.{path}"] for path in spec.fidelity}
    return {"dataset": {"name": row["task"]}, "state": "completed", **kinds, "metrics": {spec.target: row["y"]}}


def _values(split: Any) -> dict[str, list[Any]]:
    """What each input was, in order: numbers ascending."""
    found = {}
    for name in split.config:
        values = split.history[name].dropna().unique().tolist()
        if len(values) > 1:
            numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
            found[name] = sorted(values) if numeric else sorted(values, key=str)
    return found


def grid_space(champion: Champion, least_points: float) -> dict[str, Any]:
    """A finite space of at least so many points: each number parted as finely as that takes, on its own scale."""
    numeric = {name for name, values in champion.values.items() if isinstance(values[0], int | float)}
    chosen = prod_of(len(v) for name, v in champion.values.items() if name not in numeric)
    each = math.ceil((least_points / chosen) ** (1 / len(numeric)))
    parameters: dict[str, Any] = {}
    for name, values in champion.values.items():
        parameters[name] = _parted(values, each) if name in numeric else values
    return {"parameters": parameters}


def _parted(values: list[float], n: int) -> dict[str, Any]:
    low, high = values[0], values[-1]
    scale = np.geomspace if low > 0 and high / low > 100 else np.linspace
    between = scale(low, high, n)
    return {"type": "ordinal", "choices": [float(v) for v in np.unique(between)]}


def continuous_space(champion: Champion) -> dict[str, Any]:
    """The same inputs over their whole ranges."""
    parameters: dict[str, Any] = {}
    for name, values in champion.values.items():
        if isinstance(values[0], int | float) and len(values) > 2:
            low, high = float(values[0]), float(values[-1])
            parameters[name] = {"type": "float", "low": low, "high": high, "log": low > 0 and high / low > 100}
        else:
            parameters[name] = values
    return {"parameters": parameters}


def prod_of(sizes: Any) -> int:
    return math.prod(sizes)
