"""Runs and configurations as columns."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from app.featurise import frame
from app.featurise.frame import columns_of, flat_columns, flatten, run_table
from app.space.columns import CodedColumn, NumericColumn
from tests.featurise.histories import STORED_AT, stored


def test_flatten_joins_names_with_dots_and_leaves_lists() -> None:
    inputs = {"optimizer": {"name": "adam", "betas": [0.9, 0.99], "schedule": {"warmup": None}}, "empty": {}, "a.b": 1}
    assert flatten("hyperparameters", inputs) == {
        "hyperparameters.optimizer.name": "adam",
        "hyperparameters.optimizer.betas": [0.9, 0.99],
        "hyperparameters.optimizer.schedule.warmup": None,
        "hyperparameters.a.b": 1,
    }


def test_of_two_spellings_the_one_with_more_dots_wins() -> None:
    assert flatten("h", {"a.b": 2, "a": {"b": 1, "c": 3}, "a.c": None}) == {"h.a.b": 2, "h.a.c": 3}


def test_a_run_table_has_a_row_per_run_in_the_order_given() -> None:
    finished_at = datetime(2026, 2, 1, tzinfo=UTC)
    runs = [
        stored(1, dataset={"name": "wine"}, hyperparameters={"x": 1, "y": "a"}, finished_at=finished_at),
        stored(2, state="failed", metrics={}, fidelity={"epochs": 3}, resources={"seconds": 2.0}),
        stored(3, hyperparameters={"x": 2.5}, environment={"y": None}),
    ]
    table = run_table(runs, {"wine": {"n_rows": 178.0}, "adult": {"n_rows": 48842.0}})
    assert table.datasets == ("iris", "wine")
    assert table.meta_features == ({}, {"n_rows": 178.0})
    assert table.dataset.tolist() == [1, 0, 0]
    assert table.state.tolist() == ["completed", "failed", "completed"]
    assert table.finished_at.tolist() == [finished_at.timestamp(), STORED_AT.timestamp(), STORED_AT.timestamp()]
    assert list(table.inputs) == ["environment.y", "fidelity.epochs", "hyperparameters.x", "hyperparameters.y"]
    np.testing.assert_array_equal(table.inputs["hyperparameters.x"].values, [1.0, np.nan, 2.5])
    assert table.inputs["hyperparameters.y"].codes.tolist() == [0, -1, -1]
    np.testing.assert_array_equal(table.targets["accuracy"], [0.5, np.nan, 0.5])
    assert table.resources == {"seconds"}


def test_no_runs_are_an_empty_table() -> None:
    table = run_table([], {"iris": {"n_rows": 150.0}})
    assert (len(table), table.datasets, dict(table.inputs), dict(table.targets)) == (0, (), {}, {})


def test_columns_of_takes_objects_and_unequal_rows() -> None:
    columns = columns_of([{"hyperparameters.o": {"name": "adam"}}, {"hyperparameters.o.name": "sgd", "fidelity.e": 2}])
    assert columns["hyperparameters.o.name"].levels == ("adam", "sgd")
    np.testing.assert_array_equal(columns["fidelity.e"].values, [np.nan, 2.0])


def test_only_the_most_frequent_of_too_many_names_are_kept(monkeypatch) -> None:
    monkeypatch.setattr(frame, "MAX_PATHS", 2)
    rows = [{"b": 1, "a": 1, "unique1": 1}, {"b": 1, "unique2": 1}]
    assert list(columns_of(rows)) == ["a", "b"]


def test_columns_without_objects_stay_as_they_are() -> None:
    columns = {"x": NumericColumn(np.array([1.0])), "y": CodedColumn(np.array([0], dtype=np.int32), ("a", [1]))}
    assert flat_columns(columns) == columns


def test_a_part_of_an_object_and_a_column_of_its_own_are_laid_over_each_other() -> None:
    choices = CodedColumn(np.array([0, 1, -1, 1], dtype=np.int32), ({"name": "a", "beta": 1}, "plain"))
    own_name = CodedColumn(np.array([0, 0, -1, 1], dtype=np.int32), ("b", None))
    own_beta = NumericColumn(np.array([np.nan, 6.0, np.nan, 6.0]))
    columns = {"o.name": own_name, "o.beta": own_beta, "o": choices}
    flat = flat_columns(columns)
    assert _values(flat["o"]) == [None, "plain", None, "plain"]
    assert _values(flat["o.name"]) == ["b", "b", None, None]
    assert _values(flat["o.beta"]) == [1.0, 6.0, None, 6.0]


def _values(column: CodedColumn) -> list[object]:
    return [column.levels[code] if code >= 0 else None for code in column.codes]
