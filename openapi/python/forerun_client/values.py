"""Values of Python, numpy and pandas as JSON knows them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import PurePath
from typing import Any, TypeAlias
from uuid import UUID

Json: TypeAlias = dict[str, Any]

KINDS = ("hyperparameters", "architecture", "environment", "fidelity")
"""The objects of a run that hold its inputs."""


def plain(value: Any) -> Any:
    """The same value in JSON's types. Raises TypeError for what has none."""
    if value is None or isinstance(value, bool | str):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset | range):
        return [plain(inner) for inner in value]
    if isinstance(value, UUID | PurePath):
        return str(value)
    if isinstance(value, Enum):
        return plain(value.value)
    for name in ("to_dict", "tolist", "item"):  # generated models, numpy and torch arrays, their scalars
        if callable(method := getattr(value, name, None)):
            return plain(method())
    raise TypeError(f"{value!r:.80} of type {type(value).__name__} has no form in JSON")


def _number(value: float) -> float | int:
    if not math.isfinite(value):
        raise TypeError(f"{value} has no form in JSON")
    return value


def finite(measured: Mapping[str, Any]) -> tuple[dict[str, float], list[str]]:
    """Metrics as floats, and the names of those that are NaN or infinite, which cannot be sent."""
    numbers = {name: float(value) for name, value in measured.items()}
    kept = {name: value for name, value in numbers.items() if math.isfinite(value)}
    return kept, sorted(numbers.keys() - kept.keys())


def inputs_of(configuration: Any) -> dict[str, Json]:
    """A recommended configuration as the arguments of a run: `fidelity.epochs` belongs to its `fidelity`."""
    inputs: dict[str, Json] = {}
    for name, value in plain(configuration).items():
        kind, dot, rest = name.partition(".")
        if dot and kind in KINDS:
            inputs.setdefault(kind, {})[rest] = value
        else:
            inputs.setdefault("hyperparameters", {})[name] = value
    return inputs


def chunks(runs: Iterable[Json], size: int) -> Iterable[list[Json]]:
    """Lists of at most `size` runs, without holding all of them."""
    chunk: list[Json] = []
    for run in runs:
        chunk.append(run)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
