"""Runs made by hand or by hypothesis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
from hypothesis import strategies as st

from app.featurise.featuriser import Featuriser
from app.featurise.frame import columns_of, run_table
from app.space.columns import ABSENT, CodedColumn, Columns, level_key
from app.types import INPUT_KINDS, FeatureFrame, Run, RunTable, StoredRun

STORED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def stored(number: int = 0, **fields: Any) -> StoredRun:
    defaults = {"dataset": {"name": "iris"}, "state": "completed", "metrics": {"accuracy": 0.5}}
    return StoredRun(UUID(int=number), Run(**{**defaults, **fields}), STORED_AT, STORED_AT)


def table_of(values: Sequence[Any], kind: str = "hyperparameters", name: str = "x") -> RunTable:
    """One run per value at one path; `ABSENT` leaves it out."""
    inputs = [{} if value is ABSENT else {name: value} for value in values]
    return run_table([stored(i, **{kind: row}) for i, row in enumerate(inputs)], {})


def encoded(table: RunTable, inputs: Columns | None = None) -> dict[str, list[float]]:
    """The features of a table (or of other inputs, by the table's featuriser) by name."""
    featuriser = Featuriser.fit(table)
    if inputs is None:
        frame = transform(featuriser, table)
    else:
        n = len(next(iter(inputs.values())))
        frame = featuriser.transform(inputs, [{}], np.zeros(n, dtype=np.int64))
    return {feature.name: frame.X[:, j].tolist() for j, feature in enumerate(frame.features)}


def transform(featuriser: Featuriser, table: RunTable) -> FeatureFrame:
    return featuriser.transform(table.inputs, table.meta_features, table.dataset)


def coded(rows: Sequence[Mapping[str, Any]]) -> Columns:
    """Rows of path -> value as a search space's choices: everything coded, nothing numeric, in an order of its own."""
    paths = {path for row in rows for path in row}
    return {path: _coded([row.get(path, ABSENT) for row in rows]) for path in paths}


def _coded(values: Sequence[Any]) -> CodedColumn:
    levels = {level_key(value): value for value in reversed(values) if value is not ABSENT}
    keys = list(levels)
    codes = [-1 if value is ABSENT else keys.index(level_key(value)) for value in values]
    return CodedColumn(np.array(codes, dtype=np.int32), tuple(levels.values()))


_numbers = st.one_of(
    st.integers(-3, 200),
    st.floats(1e-9, 1e9),
    st.sampled_from([0, 0.0, 1e-300, 1e300, -1e300, 2**53, 1, 1.0, 1e-7, 1e-3, 10.0]),
)
_texts = st.sampled_from(["adam", "sgd", "True", "true", "1", "<absent>", "", "é"])
_scalars = st.one_of(_numbers, _texts, st.booleans(), st.none())
_layers = st.lists(
    st.one_of(
        st.integers(1, 512),
        st.sampled_from(["dense", "dropout"]),
        st.fixed_dictionaries(
            {"type": st.sampled_from(["dense", "conv2d", "lstm"])},
            optional={"units": _numbers, "activation": _texts, "dropout": _numbers, "kernel_size": _scalars},
        ),
    ),
    max_size=4,
)
_lists = st.lists(_scalars, max_size=4)
_values = st.one_of(
    _scalars, _lists, _layers, st.dictionaries(st.sampled_from("ab"), st.one_of(_scalars, _lists), max_size=2)
)
_inputs = st.dictionaries(st.sampled_from(["x", "y", "z", "x.a"]), _values, max_size=3)
_meta_features = st.dictionaries(st.sampled_from(["n_rows", "n_features"]), st.floats(-1e6, 1e300), max_size=2)


@st.composite
def histories(draw: st.DrawFn, max_size: int = 12) -> tuple[list[StoredRun], dict[str, dict[str, float]]]:
    runs = draw(
        st.lists(
            st.fixed_dictionaries(
                {"dataset": st.sampled_from(["iris", "wine", "adult"])},
                optional=dict.fromkeys(INPUT_KINDS, _inputs),
            ),
            min_size=1,
            max_size=max_size,
        )
    )
    meta_features = draw(st.dictionaries(st.sampled_from(["iris", "wine", "adult"]), _meta_features))
    return [stored(i, **fields) for i, fields in enumerate(runs)], meta_features


def rows_of(runs: Sequence[StoredRun]) -> list[dict[str, Any]]:
    """The inputs of runs as a request has them: by path, not yet flattened."""
    return [
        {f"{kind}.{name}": value for kind in INPUT_KINDS for name, value in getattr(stored.run, kind).items()}
        for stored in runs
    ]


__all__ = ["coded", "columns_of", "encoded", "histories", "rows_of", "stored", "table_of", "transform"]
