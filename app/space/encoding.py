"""Between configurations (JSON) and columns, and from columns to inputs and identities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from app.space.columns import (
    ABSENT,
    BoolArray,
    CodeArray,
    CodedColumn,
    Column,
    Columns,
    FloatArray,
    IntArray,
    JsonValue,
    NumericColumn,
    absent_where,
    make_column,
    numbers,
    present,
)
from app.space.conditions import holds
from app.space.parameters import Choice, Parameter
from app.space.paths import flatten, leaves


def activate(ordered: Sequence[Parameter], columns: Columns) -> dict[str, Column]:
    """The columns with every inactive parameter made absent; `ordered` has parents before children."""
    active = dict(columns)
    for parameter in ordered:
        if parameter.when:
            active[parameter.key] = absent_where(active[parameter.key], ~holds(parameter.when, active))
    return active


def encode(ordered: Sequence[Parameter], configurations: Sequence[Mapping[str, JsonValue]]) -> dict[str, Column]:
    """Configurations, nested or dotted, as columns.

    Values of inactive parameters and of names outside the space are ignored. A configuration that lacks an active
    parameter, or has a value that does not belong to it, is absent in every column.
    """
    flat = [flatten(configuration) for configuration in configurations]
    read = {parameter.key: _read(parameter, flat) for parameter in ordered}
    columns: dict[str, Column] = {}
    complete = np.ones(len(flat), dtype=np.bool_)
    for parameter in ordered:
        active = _active(parameter, columns, len(flat))
        complete &= present(read[parameter.key]) | ~active
        columns[parameter.key] = absent_where(read[parameter.key], ~active)
    return {key: absent_where(column, ~complete) for key, column in columns.items()}


def _active(parameter: Parameter, columns: Columns, n: int) -> BoolArray:
    return holds(parameter.when, columns) if parameter.when else np.ones(n, dtype=np.bool_)


def _read(parameter: Parameter, flat: Sequence[Mapping[str, JsonValue]]) -> Column:
    path = parameter.path
    if isinstance(parameter, Choice) and parameter.has_objects:
        flat = [_gathered(row, path) for row in flat]
    column = parameter.read([row.get(path) for row in flat])
    missing = np.fromiter((path not in row for row in flat), dtype=np.bool_, count=len(flat))
    return absent_where(column, missing)


def _gathered(row: Mapping[str, JsonValue], path: str) -> Mapping[str, JsonValue]:
    """The leaves below a path put back into one object."""
    below = path + "."
    found: dict[str, JsonValue] = {name[len(below) :]: leaf for name, leaf in row.items() if name.startswith(below)}
    return {path: found} if found else row


def decode(parameters: Sequence[Parameter], columns: Columns, rows: Sequence[int]) -> list[dict[str, JsonValue]]:
    """The configurations of some rows as JSON, named as in the space; inactive parameters are left out."""
    active = {parameter.key: present(columns[parameter.key]) for parameter in parameters}
    return [{p.name: p.value(columns[p.key], row) for p in parameters if active[p.key][row]} for row in map(int, rows)]


def identity(columns: Columns, keys: Sequence[str]) -> npt.NDArray[np.void]:
    """(n,) the bytes of each row: equal exactly where all values are."""
    parts = [_exact(columns[key]) for key in keys]
    packed = np.empty(len(parts[0]), dtype=[(str(i), part.dtype) for i, part in enumerate(parts)])
    for i, part in enumerate(parts):
        packed[str(i)] = part
    rows: npt.NDArray[np.void] = packed.view(np.dtype((np.void, packed.dtype.itemsize)))
    return rows


def _exact(column: Column) -> FloatArray | CodeArray:
    """The numbers of a column with one pattern of bits for NaN and one for zero, or its codes."""
    if isinstance(column, CodedColumn):
        return column.codes
    values = column.values + 0.0
    values[np.isnan(values)] = np.nan
    return values


def is_among(rows: npt.NDArray[np.void], others: npt.NDArray[np.void]) -> BoolArray:
    """(n,) which identities are among some others: np.isin, but ten times as fast where n is a million."""
    found = np.isin(_hash(rows), _hash(others))
    if found.any():
        found[found] = np.isin(rows[found], others)
    return found


def _hash(rows: npt.NDArray[np.void]) -> npt.NDArray[np.uint64]:
    """(n,) equal for equal rows, and nearly always different for others."""
    words = rows.view(np.uint32).reshape(len(rows), rows.itemsize // 4)  # every part of an identity has 4 or 8 bytes
    mixed = np.zeros(len(rows), dtype=np.uint64)
    for word in words.T:
        mixed = (mixed ^ word) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed


def first_of_each(identities: npt.NDArray[np.void]) -> IntArray:
    """The first row of every distinct identity, in order of appearance."""
    if len(np.unique(_hash(identities))) == len(identities):  # sorting numbers is quicker than sorting bytes
        return np.arange(len(identities))
    return np.sort(np.unique(identities, return_index=True)[1]).astype(np.int64)


def inputs(columns: Columns, paths: Mapping[str, str]) -> dict[str, Column]:
    """Columns as a run would report them: by input path, listed numbers as numbers, objects as their leaves."""
    found: dict[str, Column] = {}
    for key, path in paths.items():
        for leaf_path, column in _leaf_columns(path, columns[key]).items():
            found[leaf_path] = _merge(found[leaf_path], column) if leaf_path in found else column
    return found


def _leaf_columns(path: str, column: Column) -> dict[str, Column]:
    if isinstance(column, NumericColumn):
        return {path: column}
    flat = [{name: leaf for name, leaf in leaves(level, path) if leaf != {}} for level in column.levels]
    leaf_paths = dict.fromkeys(name for level in flat for name in level)
    return {name: _mapped(column, [level.get(name, ABSENT) for level in flat]) for name in leaf_paths}


def _mapped(column: CodedColumn, values: Sequence[object]) -> Column:
    """The column with each level replaced by a value."""
    levels = make_column([*values, ABSENT])
    return levels.take(column.codes.astype(np.int64))  # -1 takes the last, which is absent


def _merge(first: Column, second: Column) -> Column:
    """Two columns of which each row has a value in one at most."""
    if isinstance(first, NumericColumn) and isinstance(second, NumericColumn):
        return NumericColumn(np.where(np.isnan(first.values), second.values, first.values))
    a, b = _coded(first), _coded(second)
    levels = make_column([ABSENT, *a.levels, *b.levels])
    of_b = np.where(b.codes >= 0, b.codes + 1 + len(a.levels), 0)
    return levels.take(np.where(a.codes >= 0, a.codes + 1, of_b).astype(np.int64))


def _coded(column: Column) -> CodedColumn:
    if isinstance(column, CodedColumn):
        return column
    values, codes = np.unique(numbers(column), return_inverse=True)
    found = np.isnan(numbers(column))
    return CodedColumn(np.where(found, -1, codes).astype(np.int32), tuple(float(v) for v in values if v == v))
