"""How the committed history was made: `forerun demo --record`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from app.demo import tables
from app.demo.models import random_configurations
from app.demo.space import Json
from app.demo.training import run_of

RUNS_PER_TABLE = 40


def record(advance: Callable[[str], None]) -> Iterator[Json]:
    """Train the whole history anew, calling `advance` with a data set's name after each run."""
    for number, name in enumerate(tables.names()):
        task = tables.load(name)
        for index, configuration in enumerate(random_configurations(RUNS_PER_TABLE, seed=number)):
            yield run_of(task, configuration, f"history-{name}-{index:03d}")
            advance(name)
