"""What the featuriser promises about any history."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.featurise.featuriser import Featuriser
from app.featurise.frame import columns_of, run_table
from app.space.columns import ABSENT, CodedColumn, NumericColumn
from tests.featurise.histories import coded, encoded, histories, rows_of, stored, table_of, transform


def same(first: np.ndarray, second: np.ndarray) -> bool:
    """Bit for bit, but for the sign and payload of NaN."""
    return first.dtype == second.dtype and np.array_equal(first, second, equal_nan=True)


@settings(max_examples=75, deadline=None)
@given(histories())
def test_a_configuration_makes_the_same_features_as_the_run_however_its_columns_are_kept(history: Any) -> None:
    runs, meta_features = history
    table = run_table(runs, meta_features)
    featuriser = Featuriser.fit(table)
    trained = transform(featuriser, table).X
    for columns in (columns_of(rows_of(runs)), coded(rows_of(runs))):
        assert same(trained, featuriser.transform(columns, table.meta_features, table.dataset).X)
    for row, inputs in enumerate(rows_of(runs)):  # alone, as one own run
        alone = featuriser.transform(columns_of([inputs]), table.meta_features, table.dataset[[row]])
        assert same(trained[[row]], alone.X)


@settings(max_examples=50, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_the_runs_changes_nothing(history: Any, rng: random.Random) -> None:
    runs, meta_features = history
    shuffled = rng.sample(runs, len(runs))
    table, again = run_table(runs, meta_features), run_table(shuffled, meta_features)
    assert Featuriser.fit(table) == Featuriser.fit(again)
    rows = [shuffled.index(run) for run in runs]
    assert same(
        transform(Featuriser.fit(table), table).X,
        transform(Featuriser.fit(again), again).X[rows],
    )


@settings(max_examples=50, deadline=None)
@given(histories())
def test_json_and_back_is_the_same_featuriser(history: Any) -> None:
    table = run_table(*history)
    featuriser = Featuriser.fit(table)
    again = Featuriser.from_json(json.loads(json.dumps(featuriser.to_json(), allow_nan=False)))
    assert again == featuriser
    assert same(transform(again, table).X, transform(featuriser, table).X)


@settings(max_examples=50, deadline=None)
@given(histories(), histories())
def test_any_other_inputs_are_taken(history: Any, asked: Any) -> None:
    featuriser = Featuriser.fit(run_table(*history))
    others = run_table(*asked)
    for columns in (others.inputs, coded(rows_of(asked[0]))):
        frame = featuriser.transform(columns, others.meta_features, others.dataset)
        assert frame.X.shape == (len(others), len(featuriser.features))
        assert not np.isinf(frame.X).any()
        assert all(isinstance(message, str) for message in featuriser.unknown(columns))


@settings(max_examples=40, deadline=None)
@given(histories())
def test_features_are_well_formed(history: Any) -> None:
    table = run_table(*history)
    frame = transform(Featuriser.fit(table), table)
    assert frame.X.dtype == np.float32
    assert frame.X.flags.f_contiguous
    assert all(np.isfinite(feature.scale) and feature.scale > 0 for feature in frame.features)
    order = ["dataset", "hyperparameters", "architecture", "environment", "fidelity"]
    places = [(order.index(feature.kind), feature.path) for feature in frame.features]
    assert places == sorted(places)
    indicators = [j for j, feature in enumerate(frame.features) if feature.encoding == "one_hot"]
    assert np.isin(frame.X[:, indicators], (0.0, 1.0)).all()


@settings(max_examples=40, deadline=None)
@given(histories())
def test_the_history_itself_holds_nothing_unknown(history: Any) -> None:
    table = run_table(*history)
    assert Featuriser.fit(table).unknown(table.inputs) == []


def test_an_empty_history_makes_no_feature() -> None:
    featuriser = Featuriser.fit(run_table([], {}))
    frame = featuriser.transform(columns_of([{"hyperparameters.x": 1}]), [{}], np.zeros(1, dtype=np.int64))
    assert frame.X.shape == (1, 0)


def test_numbers_are_the_same_as_column_and_as_choices() -> None:
    table = table_of([1e-4, 1e-3, 3e-3, 1e-2, 1.0])
    values = [0.0, 1e-5, 1e-3, 0.02, 7.0, np.nan]
    as_numbers = encoded(table, {"hyperparameters.x": NumericColumn(np.array(values))})
    codes = np.arange(6, dtype=np.int32)
    as_choices = encoded(table, {"hyperparameters.x": CodedColumn(codes, (*values[:5], None))})
    np.testing.assert_array_equal(as_numbers["hyperparameters.x"], as_choices["hyperparameters.x"])
    np.testing.assert_allclose(as_numbers["hyperparameters.x"][2], np.log(1e-3), rtol=1e-6)


def test_strided_numbers_are_the_same_as_contiguous_ones() -> None:
    table = table_of([1e-4, 1e-3, 3e-3, 1e-2, 1.0])
    values = np.random.default_rng(0).uniform(1e-6, 10, (1001, 3))
    strided = encoded(table, {"hyperparameters.x": NumericColumn(values[:, 1])})
    contiguous = encoded(table, {"hyperparameters.x": NumericColumn(values[:, 1].copy())})
    assert strided == contiguous


def test_new_names_and_categories_are_named_and_change_nothing() -> None:
    runs = [
        stored(i, hyperparameters={"optimizer": {"name": name}, "rate": rate}, environment={"accelerator": "H200"})
        for i, (name, rate) in enumerate([("adam", 0.1), ("sgd", 0.2), ("sgd", 0.3)])
    ]
    featuriser = Featuriser.fit(run_table(runs, {}))
    known = {"hyperparameters.optimizer.name": "sgd", "hyperparameters.rate": 0.9}
    new = {
        **known,
        "hyperparameters.optimizer.name": "lion",
        "hyperparameters.momentum": 0.9,
        "environment.accelerator": "B300",
    }
    frame = featuriser.transform(columns_of([known, new]), [{}], np.zeros(2, dtype=np.int64))
    by_name = dict(zip([feature.name for feature in frame.features], frame.X.T.tolist(), strict=True))
    assert by_name == {
        "hyperparameters.optimizer.name=adam": [0.0, 0.0],
        "hyperparameters.optimizer.name=sgd": [1.0, 0.0],
        "hyperparameters.rate": [pytest.approx(0.9), pytest.approx(0.9)],
    }
    assert featuriser.unknown(columns_of([known])) == []
    assert featuriser.unknown(columns_of([new])) == [
        'environment.accelerator="B300"',
        "hyperparameters.momentum",
        'hyperparameters.optimizer.name="lion"',
    ]


def test_a_warning_names_only_a_few_of_many_unseen_values() -> None:
    featuriser = Featuriser.fit(table_of([3, 3]))
    assert featuriser.unknown({"hyperparameters.x": NumericColumn(np.arange(100.0))})[-1] == (
        "hyperparameters.x=(94 more)"
    )


def test_a_path_that_is_missing_is_absent_in_every_row() -> None:
    table = table_of([1.0, 2.0, "auto", ABSENT])
    assert encoded(table, columns_of([{"hyperparameters.other": 1}])) == {
        "hyperparameters.x": [pytest.approx(np.nan, nan_ok=True)],
        "hyperparameters.x=auto": [0.0],
        "hyperparameters.x=<absent>": [1.0],
    }


def test_an_object_among_the_choices_reads_as_its_parts() -> None:
    runs = [
        stored(i, hyperparameters={"optimizer": {"name": n, "beta": b}})
        for i, (n, b) in enumerate([("a", 1), ("b", 2)])
    ]
    table = run_table(runs, {})
    choices = CodedColumn(np.array([1, 0, -1], dtype=np.int32), ({"name": "a", "beta": 1}, {"name": "b", "beta": 2}))
    features = encoded(table, {"hyperparameters.optimizer": choices})
    assert features["hyperparameters.optimizer.name=b"] == [1.0, 0.0, 0.0]
    assert features["hyperparameters.optimizer.beta"] == [2.0, 1.0, pytest.approx(np.nan, nan_ok=True)]


def test_scales_are_the_spread_over_runs_and_over_datasets() -> None:
    rows = [("a", 1), ("a", 2), ("a", 3), ("b", 4)]
    runs = [stored(i, dataset={"name": name}, hyperparameters={"x": x}) for i, (name, x) in enumerate(rows)]
    featuriser = Featuriser.fit(run_table(runs, {"a": {"n_rows": 10}, "b": {"n_rows": 14}}))
    scales = {feature.name: feature.scale for feature in featuriser.features}
    assert scales == {"dataset.n_rows": 2.0, "hyperparameters.x": pytest.approx(np.sqrt(1.25))}


def test_scales_do_not_depend_on_the_order_of_the_runs() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=1000)
    fits = [Featuriser.fit(table_of(rng.permutation(values).tolist())) for _ in range(5)]
    assert len({fit.features[0].scale for fit in fits}) == 1


def test_an_input_outside_the_four_objects_is_refused() -> None:
    table = run_table([stored()], {})
    broken = type(table)(**{**{f: getattr(table, f) for f in table.__slots__}, "inputs": columns_of([{"x": 1}])})
    with pytest.raises(ValueError, match="'x' is under none"):
        Featuriser.fit(broken)
