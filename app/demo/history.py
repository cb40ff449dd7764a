"""The committed history: a few hundred trainings of `train`, recorded once by `forerun demo --record`."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from app.demo import tables
from app.demo.models import Configuration, random_configurations
from app.demo.tables import Task
from app.demo.training import inputs_of, train

RUNS_PER_TABLE = 40

Line = dict[str, Any]


def committed() -> list[Line]:
    """The runs of the history that ships with the package."""
    return read(files("app.demo").joinpath("history.ndjson.gz").read_bytes())


def read(content: bytes) -> list[Line]:
    return [json.loads(line) for line in gzip.decompress(content).splitlines()]


def write(runs: Iterable[Line], path: Path) -> None:
    """The same runs give the same bytes: no time stamp goes in."""
    lines = "".join(json.dumps(run, separators=(",", ":")) + "\n" for run in runs)
    path.write_bytes(gzip.compress(lines.encode(), mtime=0))


def record(advance: Callable[[str], None]) -> Iterator[Line]:
    """Train the whole history anew, calling `advance` with a data set's name after each run."""
    for number, name in enumerate(tables.names()):
        task = tables.load(name)
        for index, configuration in enumerate(random_configurations(RUNS_PER_TABLE, seed=number)):
            yield run_of(task, configuration, f"history-{name}-{index:03d}")
            advance(name)


def run_of(task: Task, configuration: Configuration, run_id: str) -> Line:
    """Train a configuration, and put the outcome into the form in which it is posted."""
    dataset = {"name": task.name, "meta_features": tables.meta_features(task)}
    return {"run_id": run_id, "dataset": dataset, **inputs_of(configuration), **train(task, configuration)}
