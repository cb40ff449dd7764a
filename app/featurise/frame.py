"""Runs and configurations as columns: the only two doors through which values reach the featuriser.

`run_table` is for the history, `columns_of` for what is asked about; both flatten and type values the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID

import numpy as np

from app.featurise.targets import targets_of
from app.space.columns import ABSENT, CodedColumn, Column, Columns, JsonValue, NumericColumn, make_column
from app.types import INPUT_KINDS, Ids, PastRun, Run, RunTable, StoredRun

MAX_PATHS = 2_000
"""Columns kept of a history; the rarest paths beyond go. Guards the memory (n x paths) against names made per run."""


def flatten(kind: str, inputs: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The leaves of nested objects by dotted path; a list is a leaf, an empty object leaves nothing.

    Where two spellings meet ({"a": {"b": 1}, "a.b": 2}) the one with more dots wins, unless it is null.
    """
    if not any(isinstance(value, dict) for value in inputs.values()):  # as most are: no two names meet
        return {f"{kind}.{name}": inputs[name] for name in sorted(inputs)}
    flat: dict[str, JsonValue] = {}
    for path, value in _leaves(kind, inputs):
        if value is not None or path not in flat:
            flat[path] = value
    return flat


def _leaves(path: str, inputs: Mapping[str, JsonValue]) -> Iterator[tuple[str, JsonValue]]:
    for name in sorted(inputs):  # "a" before "a.b"
        value = inputs[name]
        if isinstance(value, dict):
            yield from _leaves(f"{path}.{name}", value)
        else:
            yield f"{path}.{name}", value


def inputs_of(run: Run | PastRun) -> dict[str, JsonValue]:
    """Everything known of a run before its training, by path."""
    flat: dict[str, JsonValue] = {}
    for kind in INPUT_KINDS:
        flat |= flatten(kind, getattr(run, kind))
    return flat


def run_table(runs: Sequence[StoredRun], meta_features: Mapping[str, Mapping[str, float]]) -> RunTable:
    """The history as columns, one row per run in the order given; datasets by name.

    A run that does not say when it finished counts as finished when it was stored.
    """
    datasets = sorted({stored.run.dataset.name for stored in runs})
    index = {name: row for row, name in enumerate(datasets)}
    targets, resources = targets_of([stored.run for stored in runs])
    finished_at = [(stored.run.finished_at or stored.created_at).timestamp() for stored in runs]
    return RunTable(
        datasets=tuple(datasets),
        meta_features=tuple(dict(meta_features.get(name, {})) for name in datasets),
        dataset=np.array([index[stored.run.dataset.name] for stored in runs], dtype=np.int64),
        state=np.array([stored.run.state for stored in runs], dtype=np.str_),
        inputs=_columns([inputs_of(stored.run) for stored in runs]),
        targets=targets,
        resources=resources,
        finished_at=np.array(finished_at, dtype=np.float64),
        ids=ids_of(stored.id for stored in runs),
    )


def ids_of(ids: Iterable[UUID]) -> Ids:
    """Ids as an array. Shape: (n,)."""
    return np.frombuffer(b"".join(id_.bytes for id_ in ids), dtype="V16")


def columns_of(inputs: Sequence[Mapping[str, JsonValue]]) -> Columns:
    """Rows of path -> value as columns; an object among the values is flattened as in the history."""
    return _columns([_flat(row) for row in inputs])


def _flat(row: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    if dict not in map(type, row.values()):
        return row
    return {path.removeprefix("."): value for path, value in flatten("", row).items()}


def _columns(rows: Sequence[Mapping[str, JsonValue]]) -> Columns:
    kept = _frequent(rows)
    values: dict[str, list[object]] = {path: [ABSENT] * len(rows) for path in kept}
    for row, inputs in enumerate(rows):
        for path, value in inputs.items():
            if path in values:
                values[path][row] = value
    return {path: make_column(column) for path, column in values.items()}


def _frequent(rows: Sequence[Mapping[str, JsonValue]]) -> list[str]:
    counts = Counter(path for row in rows for path in row)
    if len(counts) <= MAX_PATHS:
        return sorted(counts)
    return sorted(sorted(counts, key=lambda path: (-counts[path], path))[:MAX_PATHS])


def flat_columns(columns: Columns) -> dict[str, Column]:
    """Columns whose levels are no objects: an object's leaves become columns of their own, as `flatten` does to runs.

    A search space may offer whole objects as choices ({"optimizer": [{"name": "adam"}, {"name": "sgd"}]}).
    """
    flat: dict[str, Column] = {}
    for path in sorted(columns):
        for leaf, part in _leaf_columns(path, columns[path]):
            flat[leaf] = _overlaid(part, flat[leaf]) if leaf in flat else part
    return flat


def _leaf_columns(path: str, column: Column) -> Iterator[tuple[str, Column]]:
    if isinstance(column, NumericColumn) or not any(isinstance(level, dict) for level in column.levels):
        yield path, column
        return
    leaves = [flatten(path, level) if isinstance(level, dict) else {path: level} for level in column.levels]
    for leaf in sorted({leaf for level in leaves for leaf in level}):
        yield leaf, _gathered([level.get(leaf, ABSENT) for level in leaves], column)


def _gathered(values: Sequence[object], column: CodedColumn) -> Column:
    """The column of one value (or `ABSENT`) per level of another."""
    per_level = make_column([*values, ABSENT])
    return per_level.take(column.codes.astype(np.int64))  # -1, absent, takes the last


def _overlaid(first: Column, second: Column) -> Column:
    """The first column, with the second's values where it has none."""
    a, b = _coded(first), _coded(second)
    codes = np.where(a.codes >= 0, a.codes, np.where(b.codes >= 0, b.codes + len(a.levels), -1))
    return CodedColumn(codes.astype(np.int32), a.levels + b.levels)


def _coded(column: Column) -> CodedColumn:
    """The same column with codes, and null as absent."""
    if isinstance(column, CodedColumn):
        is_null = np.array([level is None for level in [*column.levels, None]])
        return CodedColumn(np.where(is_null[column.codes], -1, column.codes).astype(np.int32), column.levels)
    present = ~np.isnan(column.values)
    levels, inverse = np.unique(column.values[present], return_inverse=True)
    codes = np.full(len(column), -1, dtype=np.int32)
    codes[present] = inverse
    return CodedColumn(codes, tuple(levels.tolist()))
