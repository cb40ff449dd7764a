"""One parameter or input over n configurations, as an array: never a Python object per configuration.

`n` rows; a value that a row does not have (an inactive parameter, an input a run did not report) is *absent*.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeGuard

import numpy as np
import numpy.typing as npt

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
FloatArray: TypeAlias = npt.NDArray[np.float64]
Float32Array: TypeAlias = npt.NDArray[np.float32]
IntArray: TypeAlias = npt.NDArray[np.int64]
CodeArray: TypeAlias = npt.NDArray[np.int32]
BoolArray: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class NumericColumn:
    """Numbers (n,), float64; NaN where absent. Integers up to 2^53 are exact."""

    values: FloatArray

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: IntArray | BoolArray) -> NumericColumn:
        return NumericColumn(self.values[rows])


@dataclass(frozen=True, slots=True)
class CodedColumn:
    """Codes (n,), int32 into `levels` (any JSON values, distinct); -1 where absent."""

    codes: CodeArray
    levels: tuple[JsonValue, ...]

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: IntArray | BoolArray) -> CodedColumn:
        return CodedColumn(self.codes[rows], self.levels)


Column: TypeAlias = NumericColumn | CodedColumn
Columns: TypeAlias = Mapping[str, Column]
"""Columns of equal length by name (a parameter) or path (an input, such as `hyperparameters.optimizer.name`)."""

ABSENT = object()
"""Marks a row without a value where columns are made from Python values; JSON null is a value."""
_PLAIN_NUMBERS = {int, float, type(None), type(ABSENT)}


def level_key(value: JsonValue) -> str:
    """The identity of a JSON value: 1, 1.0, true and "1" are four things, except that 1 and 1.0 are one number."""
    return json.dumps(_whole(value), sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _whole(value: JsonValue) -> JsonValue:
    if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    return value


_NUMBERS = frozenset([int, float])


def is_number(value: object) -> TypeGuard[int | float]:
    """True for int and float, not for bool."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def make_column(values: Sequence[object]) -> Column:
    """A column of Python values, `ABSENT` where a row has none: numeric if all are numbers (or null), else coded."""
    kinds = set(map(type, values))
    if kinds <= _NUMBERS:
        return NumericColumn(np.array(values, dtype=np.float64))
    if kinds == {str}:
        return _texts(values)
    if set(map(type, values)) <= _PLAIN_NUMBERS or all(v is ABSENT or v is None or is_number(v) for v in values):
        return NumericColumn(np.array([v if is_number(v) else np.nan for v in values], dtype=np.float64))
    codes = np.full(len(values), -1, dtype=np.int32)
    index: dict[object, int] = {}
    levels: list[JsonValue] = []
    for row, value in enumerate(values):
        if value is ABSENT:
            continue
        # a pair that equals no key: writing JSON for every text and truth value would be most of the time
        key: object = (type(value), value) if isinstance(value, (str, bool)) else level_key(value)  # type: ignore[arg-type]  # JSON by contract: everything here came through the strict reader
        if key not in index:
            index[key] = len(levels)
            levels.append(value)  # type: ignore[arg-type]  # as above
        codes[row] = index[key]
    return CodedColumn(codes, tuple(levels))


def _texts(values: Sequence[object]) -> CodedColumn:
    index: dict[object, int] = {}
    codes = [index.setdefault(value, len(index)) for value in values]
    return CodedColumn(np.array(codes, dtype=np.int32), tuple(map(str, index)))


def take(columns: Columns, rows: IntArray | BoolArray) -> dict[str, Column]:
    """The same columns with only these rows, in this order."""
    return {name: column.take(rows) for name, column in columns.items()}


def concatenate(parts: Sequence[Columns]) -> dict[str, Column]:
    """The rows of several parts with the same names and levels, one part after the other."""
    return {name: _concatenate([part[name] for part in parts]) for name in parts[0]}


def _concatenate(parts: Sequence[Column]) -> Column:
    first = parts[0]
    if isinstance(first, NumericColumn):
        return NumericColumn(np.concatenate([numbers(part) for part in parts]))
    return CodedColumn(np.concatenate([codes(part) for part in parts]), first.levels)


def n_rows(columns: Columns) -> int:
    """The common length; 0 without columns."""
    return next((len(column) for column in columns.values()), 0)


def numbers(column: Column) -> FloatArray:
    """The values of a column that is known to be numeric."""
    assert isinstance(column, NumericColumn)
    return column.values


def codes(column: Column) -> CodeArray:
    """The codes of a column that is known to be coded."""
    assert isinstance(column, CodedColumn)
    return column.codes


def present(column: Column) -> BoolArray:
    """(n,) whether a row has a value."""
    return ~np.isnan(column.values) if isinstance(column, NumericColumn) else column.codes >= 0


def absent_where(column: Column, mask: BoolArray) -> Column:
    """The column with the masked rows (n,) made absent."""
    if isinstance(column, NumericColumn):
        return NumericColumn(np.where(mask, np.nan, column.values))
    return CodedColumn(np.where(mask, np.int32(-1), column.codes), column.levels)
