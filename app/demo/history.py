"""The committed history: a few hundred trainings of `train`, recorded once by `forerun demo --record`."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from app.demo.space import Json


def committed() -> list[Json]:
    """The runs of the history that ships with the package."""
    return read(files("app.demo").joinpath("history.ndjson.gz").read_bytes())


def read(content: bytes) -> list[Json]:
    return [json.loads(line) for line in gzip.decompress(content).splitlines()]


def write(runs: Iterable[Json], path: Path) -> None:
    """The same runs give the same bytes: no time stamp goes in."""
    lines = "".join(json.dumps(run, separators=(",", ":")) + "\n" for run in runs)
    path.write_bytes(gzip.compress(lines.encode(), mtime=0))
