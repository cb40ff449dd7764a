# A copy of the service's own module, made by `make openapi`. Change it there.
"""A data set's table, read and typed: the columns that meta-features are computed from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from forerun_client.errors import InvalidRequest
from forerun_client.meta_features.arrays import FloatArray, IntArray

ColumnKind: TypeAlias = Literal["numeric", "categorical", "boolean", "datetime", "other"]

MISSING_TEXTS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?"]


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column as numbers (n,), NaN where missing: codes of a categorical one, microseconds of a date."""

    name: str
    kind: ColumnKind
    values: FloatArray

    def take(self, rows: IntArray) -> TableColumn:
        return TableColumn(self.name, self.kind, self.values[rows])


def read_table(path: Path) -> pa.Table:
    """The table in a .csv (also compressed: .csv.gz) or .parquet file.

    Raises: InvalidRequest where there is no such file, or its content is not what its name says.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    try:
        if ".csv" in suffixes[-2:]:
            options = pa.csv.ConvertOptions(null_values=MISSING_TEXTS, strings_can_be_null=True)
            return pa.csv.read_csv(path, convert_options=options)
        if suffixes[-1:] == [".parquet"]:
            return pa.parquet.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise InvalidRequest(f"{path.name} cannot be read: {error}") from error
    raise InvalidRequest(f"{path.name} is neither .csv nor .parquet")


def table_columns(table: pa.Table) -> dict[str, TableColumn]:
    """The columns of a table by name.

    Raises: InvalidRequest where two columns share a name.
    """
    if twice := [name for name, count in Counter(table.column_names).items() if count > 1]:
        raise InvalidRequest(f"the table has more than one column {twice[0]!r}")
    return {name: _column(name, table.column(name)) for name in table.column_names}


def _column(name: str, column: pa.ChunkedArray) -> TableColumn:
    kind = _kind(column.type)
    if kind == "categorical":
        numbers = _codes(column)
    elif kind == "datetime":
        numbers = _microseconds(column)
    elif kind == "other":
        numbers = np.where(column.is_null().to_numpy(), np.nan, 0.0)
    else:
        numbers = column.cast(pa.float64(), safe=False).to_numpy()
    return TableColumn(name, kind, np.where(np.isfinite(numbers), numbers, np.nan))


def _kind(type_: pa.DataType) -> ColumnKind:
    if pa.types.is_boolean(type_):
        return "boolean"
    if pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return "numeric"
    if pa.types.is_date(type_) or pa.types.is_timestamp(type_):
        return "datetime"
    text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_dictionary)
    return "categorical" if any(is_type(type_) for is_type in text) else "other"


def _codes(column: pa.ChunkedArray) -> FloatArray:
    values = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    encoded = values.dictionary_encode().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):  # what an empty column combines to
        return np.empty(0)
    codes: FloatArray = encoded.indices.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return codes


def _microseconds(column: pa.ChunkedArray) -> FloatArray:
    microseconds = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    numbers: FloatArray = microseconds.cast(pa.float64(), safe=False).to_numpy()
    return numbers
