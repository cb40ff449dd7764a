"""Values to features: how each feature reads the values at its path.

The work is done once per distinct value (level) where a column is coded, and never per row in Python. A value makes
the same feature, bit for bit, whichever kind of column it came in.

Shapes: n rows, L levels, f features of one path; tables (L + 1, f), whose last row is what absence makes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from app.space.columns import CodedColumn, Column, Float32Array, FloatArray, JsonValue
from app.types import Feature

Statistics: TypeAlias = Callable[[list[JsonValue]], dict[str, float]]
"""What a list says, by name. A name with "=" counts something, so that a list without it has 0 of it."""

_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Encoder:
    """How one feature is made of the values at its path."""

    feature: Feature
    statistic: str | None = None  # of a list: which of its statistics; None: of the value itself
    level: str | bool | None = None  # of a one-hot feature: the level it marks; None: absence
    floor: float = 0.0  # of a log feature: what zero and less read as


def scaled(encoder: Encoder, numbers: FloatArray) -> Float32Array:
    """Numbers on a feature's scale; NaN stays NaN, and what float32 cannot hold becomes its largest number."""
    if encoder.feature.encoding == "log":
        numbers = np.ascontiguousarray(numbers)  # a strided loop may round differently
        logs = np.log(np.where(numbers > 0, numbers, 1.0))
        numbers = np.where(numbers > 0, logs, np.where(np.isnan(numbers), np.nan, encoder.floor))
    return np.clip(numbers, -_LARGEST, _LARGEST).astype(np.float32)


def encode(encoders: Sequence[Encoder], statistics: Statistics, column: Column, out: Float32Array) -> None:
    """Fill `out` (n, f), all zeros before, with the features of one path."""
    if isinstance(column, CodedColumn):
        table = _level_table(encoders, statistics, column.levels)
        codes = column.codes.astype(np.intp)  # -1, absent, takes the last row
        for j in range(len(encoders)):
            out[:, j] = table[:, j][codes]
        return
    for j, encoder in enumerate(encoders):
        if encoder.feature.encoding != "one_hot":
            out[:, j] = scaled(encoder, column.values) if _reads_numbers(encoder) else np.nan
        elif encoder.level is None:
            out[:, j] = np.isnan(column.values)


def statistic_of(found: dict[str, float] | None, name: str) -> float:
    """One statistic of a level: NaN if it has none of that name (but 0 where the name counts) or is no list."""
    if found is None:
        return np.nan
    value = found.get(name, 0.0 if "=" in name else np.nan)
    return value if np.isfinite(value) else np.nan


def _reads_numbers(encoder: Encoder) -> bool:
    return encoder.statistic is None and encoder.feature.encoding in ("number", "log")


def _level_table(encoders: Sequence[Encoder], statistics: Statistics, levels: Sequence[JsonValue]) -> Float32Array:
    raw = np.zeros((len(levels) + 1, len(encoders)), order="F")
    of_numbers = [j for j, encoder in enumerate(encoders) if _reads_numbers(encoder)]
    of_booleans = [j for j, encoder in enumerate(encoders) if encoder.feature.encoding == "boolean"]
    of_lists = [j for j, encoder in enumerate(encoders) if encoder.statistic is not None]
    one_hot = {e.level: j for j, e in enumerate(encoders) if e.feature.encoding == "one_hot"}
    raw[:, of_numbers + of_booleans + of_lists] = np.nan
    for i, level in enumerate([*levels, None]):
        if isinstance(level, (str, bool)) or level is None:
            if level in one_hot:
                raw[i, one_hot[level]] = 1.0
            if isinstance(level, bool):
                raw[i, of_booleans] = level
        elif isinstance(level, list):
            if of_lists:
                found = statistics(level)
                raw[i, of_lists] = [statistic_of(found, encoders[j].statistic or "") for j in of_lists]
        elif isinstance(level, (int, float)):
            raw[i, of_numbers] = level
    return np.stack([scaled(encoder, raw[:, j]) for j, encoder in enumerate(encoders)], axis=1)
