"""Runs as Arrow tables: what segments of a history hold, how they are joined, and the way from there to a `RunTable`.

A column for each path of the inputs and each target, of one of two kinds:
  float64                    numbers; null where a run has none, NaN where it says JSON null
  dictionary<int32, string>  anything else; the strings are canonical JSON, so that equal values are equal texts
A metric and a resource of one name are two columns here: which of them it is, the whole history decides.

A run may occur more than once, in versions; the last one counts. Rows in the order of ids are the canonical order, so
that what is learned does not depend on how a history was cut into segments.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app.errors import CorruptSegment
from app.featurise.frame import MAX_PATHS, inputs_of
from app.featurise.targets import reached
from app.space.columns import (
    ABSENT,
    CodedColumn,
    Column,
    FloatArray,
    IntArray,
    NumericColumn,
    level_key,
    make_column,
)
from app.types import PastRun, RunTable

Runs: TypeAlias = pa.Table

ID, DATASET, STATE, FINISHED_AT = "id", "dataset", "state", "finished_at"
INPUT, METRIC, RESOURCE = "input:", "metric:", "resource:"
_TEXTS: Final = pa.dictionary(pa.int32(), pa.string())
_OWN: Final = pa.schema(
    {ID: pa.binary(16), DATASET: _TEXTS, STATE: _TEXTS, FINISHED_AT: pa.float64()}, metadata={"forerun": "runs 1"}
)
_PACKED: Final = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 1))


# ---------------------------------------------------------------- in


def of_runs(runs: Sequence[PastRun]) -> Runs:
    """Runs as a table."""
    inputs = [inputs_of(run) for run in runs]
    metrics = [{**reached(run), **run.metrics} for run in runs]
    resources = [run.resources for run in runs]
    columns = {
        ID: pa.array([run.id for run in runs], pa.binary(16)),
        DATASET: pa.array([run.dataset for run in runs], pa.string()).dictionary_encode(),
        STATE: pa.array([run.state for run in runs], pa.string()).dictionary_encode(),
        FINISHED_AT: pa.array([run.finished_at for run in runs], pa.float64()),
    }
    for prefix, rows in ((INPUT, inputs), (METRIC, metrics), (RESOURCE, resources)):
        columns |= {prefix + name: _array(values) for name, values in sorted(_transposed(rows).items())}
    return _frequent(pa.table(columns).replace_schema_metadata(_OWN.metadata))


def _transposed(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[object]]:
    columns: dict[str, list[object]] = {}
    for row, values in enumerate(rows):
        for name, value in values.items():
            if (column := columns.get(name)) is None:
                column = columns[name] = [ABSENT] * len(rows)
            column[row] = value
    return columns


def _array(values: Sequence[object]) -> pa.Array:
    column = make_column(values)
    if isinstance(column, NumericColumn):
        return pa.array(column.values, mask=np.array([value is ABSENT for value in values]))
    return _dictionary(column)


def _dictionary(column: CodedColumn) -> pa.Array:
    codes = pa.array(column.codes, mask=column.codes < 0)
    return pa.DictionaryArray.from_arrays(codes, pa.array(map(level_key, column.levels), pa.string()))


def _frequent(runs: Runs) -> Runs:
    """Without the rarest paths beyond `MAX_PATHS`, as a history is kept."""
    paths = [name for name in runs.column_names if name.startswith(INPUT)]
    if len(paths) <= MAX_PATHS:
        return runs
    rare = sorted(paths, key=lambda path: (runs[path].null_count, path))[MAX_PATHS:]
    return runs.drop_columns(rare)


# ---------------------------------------------------------------- joining


def joined(parts: Iterable[Runs]) -> Runs:
    """All rows of several tables, in order; a column that is numeric in one and not in another is none."""
    tables = [*parts]
    mixed = _mixed(tables)
    tables = [_as_dictionaries(table, mixed) for table in tables]
    whole = pa.concat_tables([_OWN.empty_table(), *tables], promote_options="default")
    return _frequent(whole.replace_schema_metadata(_OWN.metadata))


def _mixed(tables: Sequence[Runs]) -> set[str]:
    kinds: dict[str, set[bool]] = {}
    for table in tables:
        for field in table.schema:
            kinds.setdefault(field.name, set()).add(pa.types.is_dictionary(field.type))
    return {name for name, found in kinds.items() if len(found) > 1}


def _as_dictionaries(table: Runs, names: Collection[str]) -> Runs:
    for name in set(names).intersection(table.column_names):
        if not pa.types.is_dictionary(table[name].type):
            numbers = table[name].combine_chunks().dictionary_encode()
            texts = [level_key(None if np.isnan(value) else value) for value in numbers.dictionary.to_pylist()]
            encoded = pa.DictionaryArray.from_arrays(numbers.indices, pa.array(texts, pa.string()))
            table = table.set_column(table.schema.get_field_index(name), name, encoded)
    return table


def latest(runs: Runs, deleted: Collection[bytes] = ()) -> Runs:
    """The last version of each run that was not deleted, in the order of ids."""
    if deleted:
        gone = pa.array(sorted(deleted), pa.binary(16))
        runs = runs.filter(pc.invert(pc.is_in(runs[ID], value_set=gone)))
    rows = _last_of_each(_halves(runs))
    return runs if rows is None else runs.take(rows)


def _last_of_each(ids: IntArray) -> IntArray | None:
    """The rows to keep, by id; None where all are, as they stand. Shapes: ids (n, 2)."""
    ahead, behind = ids[1:], ids[:-1]
    in_order = (behind[:, 0] < ahead[:, 0]) | ((behind[:, 0] == ahead[:, 0]) & (behind[:, 1] < ahead[:, 1]))
    if in_order.all():
        return None
    order = np.lexsort((ids[:, 1], ids[:, 0]))  # stable: of one run's versions the last comes last
    is_last = np.append((ids[order[1:]] != ids[order[:-1]]).any(axis=1), True)
    return np.asarray(order[is_last])


def ids(runs: Runs) -> list[bytes]:
    """The octets of each run's id."""
    found: list[bytes] = runs[ID].to_pylist()
    return found


def _halves(runs: Runs) -> IntArray:
    """Shapes: (n, 2), the halves of each id; they sort as ids do."""
    octets = _octets(runs)
    return np.asarray(octets.view(">u8").reshape(-1, 2).astype(np.uint64))


def _octets(runs: Runs) -> np.ndarray[Any, np.dtype[np.void]]:
    column = runs[ID].combine_chunks()
    column = column.chunk(0) if isinstance(column, pa.ChunkedArray) and column.num_chunks else column
    if not len(column):
        return np.zeros(0, dtype="V16")
    return np.frombuffer(column.buffers()[1], dtype="V16", count=len(column), offset=16 * column.offset)


# ---------------------------------------------------------------- bytes


def to_bytes(runs: Runs, *, packed: bool = True) -> bytes:
    """Arrow's IPC file format: compressed to be stored, plain to be mapped into memory."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, runs.schema, options=_PACKED if packed else None) as file:
        file.write_table(runs.unify_dictionaries().combine_chunks())
    return bytes(sink.getvalue())


def from_bytes(content: bytes | pa.Buffer) -> Runs:
    """Raises: CorruptSegment."""
    try:
        runs = pa.ipc.open_file(pa.py_buffer(content)).read_all()
    except (pa.ArrowInvalid, OSError) as error:
        raise CorruptSegment("these bytes are no segment of runs") from error
    if (runs.schema.metadata or {}).get(b"forerun") != b"runs 1":
        raise CorruptSegment("these runs are not in the format that this version reads")
    return runs


# ---------------------------------------------------------------- out


def run_table(runs: Runs, meta_features: Mapping[str, Mapping[str, float]]) -> RunTable:
    """The history as columns, one row per run in the order given; datasets by name."""
    states, names = _coded(runs[STATE]), _coded(runs[DATASET])
    datasets = sorted({str(names.levels[code]) for code in np.unique(names.codes).tolist()})
    position = {name: row for row, name in enumerate(datasets)}
    of_level = np.array([position.get(str(name), -1) for name in names.levels], dtype=np.int64)
    targets, resources = _targets(runs)
    return RunTable(
        datasets=tuple(datasets),
        meta_features=tuple(dict(meta_features.get(name, {})) for name in datasets),
        dataset=of_level[names.codes],
        state=np.array(states.levels, dtype=np.str_)[states.codes] if len(runs) else np.zeros(0, np.str_),
        inputs=_Inputs(runs),
        targets=targets,
        resources=resources,
        finished_at=_numbers(runs[FINISHED_AT]),
        ids=_octets(runs),
    )


class _Inputs(Mapping[str, Column]):
    """Inputs by path, each made when it is asked for: of a long history a refit takes some rows, column by column."""

    def __init__(self, runs: Runs) -> None:
        inputs = (name for name in runs.column_names if name.startswith(INPUT))
        self._runs = runs
        self._names = {name.removeprefix(INPUT): name for name in sorted(inputs) if runs[name].null_count < len(runs)}

    def __getitem__(self, path: str) -> Column:
        return _column(self._runs[self._names[path]])

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _column(array: pa.ChunkedArray) -> Column:
    if not pa.types.is_dictionary(array.type):
        return NumericColumn(_numbers(array))
    coded = _coded(array)
    return CodedColumn(coded.codes, tuple(json.loads(str(text)) for text in coded.levels))


def _numbers(array: pa.ChunkedArray) -> FloatArray:
    return np.asarray(array.to_numpy(), dtype=np.float64)


def _coded(array: pa.ChunkedArray) -> CodedColumn:
    whole = array.unify_dictionaries().combine_chunks()
    whole = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    codes = whole.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return CodedColumn(codes.astype(np.int32, copy=False), tuple(whole.dictionary.to_pylist()))


def _targets(runs: Runs) -> tuple[dict[str, FloatArray], frozenset[str]]:
    """By name, a resource's value before a metric's; which of the two a target is, most runs decide (a tie: metric)."""
    metrics, resources = (_by_name(runs, prefix) for prefix in (METRIC, RESOURCE))
    targets = {name: _numbers(column) for name, column in metrics.items()}
    for name, column in resources.items():
        values = _numbers(column)
        targets[name] = np.where(np.isnan(values), targets[name], values) if name in targets else values
    n_metrics = {name: len(column) - column.null_count for name, column in metrics.items()}
    of_resources = {name: len(column) - column.null_count for name, column in resources.items()}
    more = frozenset(name for name, count in of_resources.items() if count > n_metrics.get(name, 0))
    return dict(sorted(targets.items())), more


def _by_name(runs: Runs, prefix: str) -> dict[str, pa.ChunkedArray]:
    found = {name.removeprefix(prefix): runs[name] for name in runs.column_names if name.startswith(prefix)}
    return {name: column for name, column in found.items() if column.null_count < len(column)}


def uuids(ids: np.ndarray[Any, np.dtype[np.void]]) -> list[UUID]:
    """The ids of some runs of a `RunTable`."""
    return [UUID(bytes=bytes(octets)) for octets in ids]
