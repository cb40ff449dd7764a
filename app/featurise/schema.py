"""The schema of an input, inferred from the history: which features its values make, and on which scale.

Rules, by what the history holds at a path:
  numbers            one feature; their natural log where they are log-like
  true and false     one feature, 0 or 1
  text               one 0/1 feature per frequent level; a rare or new level is 0 in all of them
  a mixture          the number feature for the numbers, one-hot features for everything else
  lists              statistics, each a number (see `lists` and `architecture`)
An absent value (or null) is NaN in a number and 0 in a one-hot feature; a path with one-hot features that some runs
lack has one more, `path=<absent>`. A path with one and the same value in every run says nothing and makes no feature.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from app.featurise.encoder import Encoder, Statistics, statistic_of
from app.space.columns import CodedColumn, Column, FloatArray, JsonValue, NumericColumn, is_number, level_key
from app.types import Feature, InputKind

MAX_LEVELS = 64
"""One-hot features of one path, at most: those of the most frequent levels."""
FEW_LEVELS = 20
"""Up to here every level has a feature; beyond, a level needs two runs: one run teaches nothing about the next."""
LOG_SPAN = 50.0
"""Numbers within a smaller ratio are well served by a linear scale."""
MAX_NAMED = 5
"""Unseen values of one path that a warning names."""
MAX_REMEMBERED_LEVELS = 1_000
"""Beyond, a path is free text (a comment, an id), and no new level of it is worth a warning."""

_Level = TypeVar("_Level", bound="str | bool")


@dataclass(frozen=True, slots=True)
class Source:
    """One of the four objects that hold a run's inputs, with what is its own: how it reads lists and magnitudes."""

    kind: InputKind
    statistics: Statistics
    is_log: Callable[[FloatArray], bool]


@dataclass(frozen=True, slots=True)
class InputSchema:
    """One path: its features, and what the history has seen there."""

    path: str
    encoders: tuple[Encoder, ...]
    lowest: float | None  # of the numbers seen; None: there was none
    levels: frozenset[str] | None  # `level_key` of the text and booleans seen; None: too many to remember
    has_lists: bool

    def unseen(self, column: Column) -> list[str]:
        """Values of a column that are new to the path and that its features cannot tell apart, a few by name.

        A new number is told apart by its size and a new list by its statistics, where the path has such features.
        """
        if isinstance(column, NumericColumn):
            if self.encoders and self.lowest is not None:
                return []
            distinct: list[JsonValue] = np.unique(column.values[~np.isnan(column.values)]).tolist()
        else:
            distinct = [column.levels[code] for code in np.unique(column.codes).tolist() if code >= 0]
        new = [level_key(value) for value in distinct if not self._has_seen(value)]
        return new if len(new) <= MAX_NAMED else [*new[:MAX_NAMED], f"({len(new) - MAX_NAMED} more)"]

    def _has_seen(self, value: JsonValue) -> bool:
        if isinstance(value, (str, bool)):
            return self.levels is None or level_key(value) in self.levels
        if isinstance(value, (int, float)):
            return self.lowest is not None and (bool(self.encoders) or self.lowest == value)
        return value is None or self.has_lists


@dataclass(frozen=True, slots=True)
class Values:
    """What a column holds: its distinct numbers, ascending, and the runs of each other level."""

    numbers: FloatArray
    levels: Mapping[str | bool, int]
    n_absent: int
    n_lists: int

    @property
    def is_constant(self) -> bool:
        return len(self.numbers) + len(self.levels) <= 1 and self.n_absent == 0 and self.n_lists == 0


def spans_decades(numbers: FloatArray) -> bool:
    """Whether the positive ones of some numbers, none negative, differ by more than a factor of `LOG_SPAN`."""
    positive = numbers[numbers > 0]
    return len(positive) > 0 and bool(numbers.min() >= 0 and positive.max() > LOG_SPAN * positive.min())


def is_log_like(numbers: FloatArray) -> bool:
    """Whether distinct numbers span decades and lie as if drawn on a log scale.

    Their median is then nearer (in ratio) to the geometric than to the arithmetic middle of their range; a count such
    as 1, 2, ..., 100 is not log-like. Each distinct number counts once: how often a search tried it says nothing.
    """
    if not spans_decades(numbers):
        return False
    positive = numbers[numbers > 0]
    low, high, median = np.log(positive.min()), np.log(positive.max()), np.log(np.median(positive))
    arithmetic = high + np.log1p(np.exp(low - high)) - np.log(2)
    return bool(median < ((low + high) / 2 + arithmetic) / 2)


def infer(path: str, column: Column, source: Source) -> InputSchema:
    """The schema of one path from its column in the history."""
    values = _values(column)
    encoders: list[Encoder] = []
    if not values.is_constant:
        encoders += _scalar_encoders(path, values, source)
    if values.n_lists and isinstance(column, CodedColumn):
        encoders += _list_encoders(path, column, source)
    return InputSchema(
        path,
        tuple(encoders),
        lowest=float(values.numbers[0]) if len(values.numbers) else None,
        levels=frozenset(map(level_key, values.levels)) if len(values.levels) <= MAX_REMEMBERED_LEVELS else None,
        has_lists=values.n_lists > 0,
    )


def number_encoder(
    kind: InputKind, path: str, numbers: FloatArray, is_log: Callable[[FloatArray], bool], statistic: str | None = None
) -> Encoder:
    """The encoder of numbers (distinct, finite). On a log scale, zero reads as one unit below the smallest positive."""
    name = path if statistic is None else f"{path}[{statistic}]"
    if not is_log(numbers):
        return Encoder(Feature(name, kind, path, "number"), statistic)
    floor = float(np.log(numbers[numbers > 0].min())) - 1.0
    return Encoder(Feature(name, kind, path, "log"), statistic, floor=floor)


def _values(column: Column) -> Values:
    if isinstance(column, NumericColumn):
        present = column.values[~np.isnan(column.values)]
        return Values(np.unique(present), {}, len(column) - len(present), 0)
    counts = np.bincount(column.codes + 1, minlength=len(column.levels) + 1).tolist()
    seen = [(level, count) for level, count in zip(column.levels, counts[1:], strict=True) if count]
    levels: Counter[str | bool] = Counter()
    for level, count in seen:
        if isinstance(level, (str, bool)):
            levels[level] += count
    return Values(
        numbers=np.unique([level for level, _ in seen if is_number(level)]).astype(np.float64),
        levels=levels,
        n_absent=counts[0] + sum(count for level, count in seen if level is None),
        n_lists=sum(count for level, count in seen if isinstance(level, list)),
    )


def _scalar_encoders(path: str, values: Values, source: Source) -> Iterator[Encoder]:
    kind = source.kind
    if len(values.numbers):
        yield number_encoder(kind, path, values.numbers, source.is_log)
    if values.levels and not len(values.numbers) and all(isinstance(level, bool) for level in values.levels):
        yield Encoder(Feature(path, kind, path, "boolean"))
        return
    for level in sorted(_frequent(values.levels), key=level_key):
        yield Encoder(Feature(f"{path}={_shown(level)}", kind, path, "one_hot"), level=level)
    if values.levels and values.n_absent:
        yield Encoder(Feature(f"{path}=<absent>", kind, path, "one_hot"), level=None)


def _list_encoders(path: str, column: CodedColumn, source: Source) -> Iterator[Encoder]:
    """One feature per statistic that differs between runs; of the statistics that count, the frequent ones."""
    counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.levels)).tolist()
    seen = [(level, count) for level, count in zip(column.levels, counts, strict=True) if count]
    found = [source.statistics(level) if isinstance(level, list) else None for level, _ in seen]
    n_runs: Counter[str] = Counter()
    for statistics, (_, count) in zip(found, seen, strict=True):
        n_runs.update(dict.fromkeys(statistics or (), count))
    counting = _frequent({name: n for name, n in n_runs.items() if "=" in name})
    for name in sorted(name for name in n_runs if "=" not in name or name in counting):
        numbers = np.array([statistic_of(statistics, name) for statistics in found])
        distinct = np.unique(numbers[~np.isnan(numbers)])
        if len(distinct) > 1 or (len(distinct) == 1 and n_runs[name] < len(column)):
            is_log = (lambda _: False) if name.startswith("log_") else source.is_log
            yield number_encoder(source.kind, path, distinct, is_log, name)


def _frequent(n_runs: Mapping[_Level, int]) -> set[_Level]:
    """The levels worth a feature each."""
    least = 1 if len(n_runs) <= FEW_LEVELS else 2
    ranked = sorted((-n, level_key(level), level) for level, n in n_runs.items() if n >= least)
    return {level for _, _, level in ranked[:MAX_LEVELS]}


def _shown(level: str | bool) -> str:
    """A level in a feature's name; text that could be taken for something else is quoted."""
    return level if isinstance(level, str) and level not in ("true", "false", "<absent>") else level_key(level)
