"""What segments promise: however a history is cut, merged, versioned and stored, it is the table that its rows make."""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import CorruptSegment
from app.featurise.featuriser import Featuriser
from app.featurise.frame import run_table as table_of_runs
from app.featurise.segment import from_bytes, joined, latest, of_runs, run_table, to_bytes, uuids
from app.space.columns import Column, NumericColumn, level_key
from app.types import RunTable
from tests.featurise.histories import histories, stored, transform
from tests.histories import past


def values_of(column: Column) -> list[str | None]:
    """What stands in each row, absence and null as one where the column is numeric."""
    if isinstance(column, NumericColumn):
        return [None if np.isnan(value) else level_key(value) for value in column.values.tolist()]
    return [level_key(column.levels[code]) if code >= 0 else None for code in column.codes.tolist()]


def assert_same(given: RunTable, expected: RunTable) -> None:
    assert (given.datasets, given.meta_features, given.resources) == (
        expected.datasets,
        expected.meta_features,
        expected.resources,
    )
    for name in ("dataset", "state", "finished_at", "ids"):
        assert getattr(given, name).tolist() == getattr(expected, name).tolist()
    assert list(given.targets) == list(expected.targets)
    for name, y in expected.targets.items():
        np.testing.assert_array_equal(given.targets[name], y)
    assert list(given.inputs) == list(expected.inputs)
    for path, column in expected.inputs.items():
        assert isinstance(given.inputs[path], NumericColumn) == isinstance(column, NumericColumn)
        assert values_of(given.inputs[path]) == values_of(column)


@settings(max_examples=100, deadline=None)
@given(histories(), st.randoms(use_true_random=False), st.integers(1, 5), st.booleans())
def test_segments_make_the_table_that_the_rows_make(
    history: Any, rng: random.Random, n_parts: int, compacted: bool
) -> None:
    runs, meta_features = history
    parts = [of_runs([past(run) for run in runs if run.id.int % n_parts == part]) for part in range(n_parts)]
    rng.shuffle(parts)
    parts = [from_bytes(to_bytes(part)) for part in parts]
    if compacted:
        parts = [joined(parts[:2]), *parts[2:]]
        parts = [from_bytes(to_bytes(latest(joined(parts[:-1])))), parts[-1]]
    table = run_table(latest(joined(parts)), meta_features)
    expected = table_of_runs(sorted(runs, key=lambda run: run.id), meta_features)
    assert_same(table, expected)
    featuriser = Featuriser.fit(table)
    assert featuriser == Featuriser.fit(expected)
    assert transform(featuriser, table).X.tobytes() == transform(featuriser, expected).X.tobytes()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1), st.sets(st.integers(0, 9)), st.integers(1, 4))
def test_the_last_version_counts_and_what_is_deleted_is_gone(writes: list[int], deleted: set[int], size: int) -> None:
    versions = [past(stored(number, hyperparameters={"version": i})) for i, number in enumerate(writes)]
    parts = [of_runs(versions[start : start + size]) for start in range(0, len(versions), size)]
    table = run_table(latest(joined(parts), [UUID(int=number).bytes for number in deleted]), {})
    expected = {number: float(i) for i, number in enumerate(writes) if number not in deleted}
    assert [id_.int for id_ in uuids(table.ids)] == sorted(expected)
    if expected:
        assert table.inputs["hyperparameters.version"].values.tolist() == [expected[n] for n in sorted(expected)]


def test_a_segment_of_nothing_and_no_segment_are_an_empty_table() -> None:
    for parts in ([], [of_runs([])], [from_bytes(to_bytes(joined([])))]):
        table = run_table(latest(joined(parts)), {"iris": {"n_rows": 150.0}})
        assert (len(table), table.datasets, dict(table.inputs), dict(table.targets)) == (0, (), {}, {})


def test_a_damaged_segment_is_told() -> None:
    content = to_bytes(of_runs([past(stored(1)), past(stored(2))]))
    for damaged in (b"", b"no segment", content[:-9], content[:100]):
        with pytest.raises(CorruptSegment):
            from_bytes(damaged)
