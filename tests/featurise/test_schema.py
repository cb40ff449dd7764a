"""Which features a path makes, from what the history holds there."""

from __future__ import annotations

import numpy as np
import pytest

from app.featurise.featuriser import Featuriser
from app.featurise.frame import run_table
from app.featurise.schema import is_log_like, spans_decades
from app.space.columns import ABSENT
from app.types import Feature
from tests.featurise.histories import encoded, stored, table_of

NAN = pytest.approx(np.nan, nan_ok=True)
X = "hyperparameters.x"


def encodings(values: list[object], kind: str = "hyperparameters") -> dict[str, str]:
    return {feature.name: feature.encoding for feature in Featuriser.fit(table_of(values, kind)).features}


@pytest.mark.parametrize(
    ("numbers", "log_like"),
    [
        (np.arange(1, 101), False),  # a count
        (np.linspace(0.001, 1, 200), False),
        (np.geomspace(1e-5, 1, 30), True),
        (np.random.default_rng(0).uniform(-5, 0, 1000), False),  # negative
        (10 ** np.random.default_rng(0).uniform(-5, 0, 1000), True),
        (np.array([0, 1e-6, 1e-4, 1e-2]), True),  # zero is off, the rest spans decades
        (2.0 ** np.arange(4, 11), True),  # 16 .. 1024
        (np.array([32.0, 64, 128, 256]), False),  # within a factor of 50
        (np.array([0.001, 0.01, 0.1]), True),
        (np.array([0.0]), False),
        (np.array([1e-300, 1.0, 1e300]), True),
    ],
)
def test_log_like_is_wide_and_evenly_spread_on_a_log_scale(numbers: np.ndarray, log_like: bool) -> None:
    assert is_log_like(np.unique(numbers.astype(float))) is log_like


def test_a_fidelity_is_read_on_a_log_scale_as_soon_as_it_spans_decades() -> None:
    epochs = list(range(1, 53))
    assert encodings(epochs) == {X: "number"}
    assert encodings(epochs, "fidelity") == {"fidelity.x": "log"}
    assert encodings(epochs[:49], "fidelity") == {"fidelity.x": "number"}
    assert not spans_decades(np.array([0.0, 0.0]))


def test_zero_reads_one_unit_below_the_smallest_positive_number() -> None:
    values = encoded(table_of([0, 1e-6, 1e-4, 1e-2]))[X]
    np.testing.assert_allclose(values[:2], [np.log(1e-6) - 1, np.log(1e-6)], rtol=1e-6)


def test_few_whole_numbers_stay_a_number() -> None:
    assert encodings([1, 2, 2, 1, 3]) == {X: "number"}


def test_truth_values_are_one_feature() -> None:
    assert encodings([True, False, True]) == {X: "boolean"}
    assert encoded(table_of([True, False, ABSENT, None]))[X] == [1.0, 0.0, NAN, NAN]


def test_text_that_looks_like_something_else_stays_text() -> None:
    assert encoded(table_of(["True", "1", "True"])) == {f"{X}=True": [1.0, 0.0, 1.0], f"{X}=1": [0.0, 1.0, 0.0]}
    assert set(encodings(["true", "<absent>", "a", ABSENT])) == {
        f'{X}="true"',
        f'{X}="<absent>"',
        f"{X}=a",
        f"{X}=<absent>",
    }


def test_a_mixture_has_a_number_and_levels() -> None:
    assert encoded(table_of([0.5, "sqrt", True, None, 2])) == {
        X: [0.5, NAN, NAN, NAN, 2.0],
        f"{X}=sqrt": [0.0, 1.0, 0.0, 0.0, 0.0],
        f"{X}=true": [0.0, 0.0, 1.0, 0.0, 0.0],
        f"{X}=<absent>": [0.0, 0.0, 0.0, 1.0, 0.0],
    }


@pytest.mark.parametrize("value", [3, "adam", True, [1, 2], None, {}])
def test_one_value_in_every_run_makes_no_feature(value: object) -> None:
    assert encodings([value, value, value]) == {}


@pytest.mark.parametrize(
    ("value", "features"),
    [(3, {X: [3.0, NAN]}), (True, {X: [1.0, NAN]}), ("a", {f"{X}=a": [1.0, 0.0], f"{X}=<absent>": [0.0, 1.0]})],
)
def test_one_value_in_some_runs_tells_who_has_it(value: object, features: dict[str, list[float]]) -> None:
    assert encoded(table_of([value, ABSENT])) == features


def test_levels_are_in_order_and_absence_is_last() -> None:
    assert [name.removeprefix(f"{X}=") for name in encodings([*"gdfabce", ABSENT])] == [*"abcdefg", "<absent>"]


def test_up_to_twenty_levels_each_have_a_feature() -> None:
    assert len(encodings([f"level{i}" for i in range(20)])) == 20


def test_beyond_twenty_a_level_needs_two_runs() -> None:
    levels = [f"level{i:02}" for i in range(21)]
    assert set(encodings([*levels, "level05", "level07"])) == {f"{X}=level05", f"{X}=level07"}


def test_the_most_frequent_levels_are_kept() -> None:
    values = [f"level{i:03}" for i in range(100) for _ in range(2 + i % 50)]
    kept = [name.removeprefix(f"{X}=level") for name in encodings(values)]
    assert len(kept) == 64
    assert min(int(level) % 50 for level in kept) == 18


def test_free_text_makes_no_feature_and_no_warning() -> None:
    table = table_of([f"comment {i}" for i in range(1001)])
    featuriser = Featuriser.fit(table)
    assert featuriser.features == ()
    assert featuriser.unknown(table_of(["another"]).inputs) == []


def test_lists_of_numbers_are_statistics() -> None:
    features = encoded(table_of([[3, 1, 2], [5], [], ABSENT]))
    assert {name.removeprefix(X): values for name, values in features.items()} == {
        "[first]": [3.0, 5.0, NAN, NAN],
        "[last]": [2.0, 5.0, NAN, NAN],
        "[length]": [3.0, 1.0, 0.0, NAN],
        "[max]": [3.0, 5.0, NAN, NAN],
        "[mean]": [2.0, 5.0, NAN, NAN],
        "[min]": [1.0, 5.0, NAN, NAN],
        "[sum]": [6.0, 5.0, NAN, NAN],
    }


def test_lists_of_text_are_membership() -> None:
    features = encoded(table_of([["flip", "crop"], ["crop"], [], ABSENT]))
    assert features == {
        f"{X}[=crop]": [1.0, 1.0, 0.0, NAN],
        f"{X}[=flip]": [1.0, 0.0, 0.0, NAN],
        f"{X}[length]": [2.0, 1.0, 0.0, NAN],
    }


def test_a_list_in_some_runs_and_a_number_in_others() -> None:
    features = encoded(table_of([100, [100, 50], 20]))
    assert features[X] == [100.0, NAN, 20.0]
    assert features[f"{X}[sum]"] == [NAN, 150.0, NAN]


def test_features_say_where_they_come_from() -> None:
    features = Featuriser.fit(table_of([[1], [2, 3]], "environment", "nodes")).features
    assert features[0] == Feature("environment.nodes[first]", "environment", "environment.nodes", "number", 0.5)


def meta_feature_encodings(*rows: dict[str, float]) -> dict[str, str]:
    runs = [stored(i, dataset={"name": f"d{i}"}) for i in range(len(rows))]
    table = run_table(runs, {f"d{i}": row for i, row in enumerate(rows)})
    return {feature.name: feature.encoding for feature in Featuriser.fit(table).features}


def test_meta_features() -> None:
    rows = [{"n_rows": 10.0**i, "n_classes": 2.0 + i, "same": 1.0} for i in range(5)]
    assert meta_feature_encodings(*rows) == {"dataset.n_classes": "number", "dataset.n_rows": "log"}
    assert meta_feature_encodings(*({"n": n} for n in (5e2, 1e3, 5e3, 2e4, 1e5))) == {"dataset.n": "log"}
    assert meta_feature_encodings({"n": 0.0}, {"n": 0.0}, {"n": 0.0}, {"n": 7.0}) == {"dataset.n": "log"}
    assert meta_feature_encodings({"n": -1.0}, {"n": 0.0}, {"n": 900.0}) == {"dataset.n": "number"}
    assert meta_feature_encodings({"n": 3.0}, {}) == {}


def test_a_dataset_may_lack_a_meta_feature() -> None:
    runs = [stored(i, dataset={"name": name}) for i, name in enumerate("abca")]
    table = run_table(runs, {"a": {"n_rows": 4.0}, "b": {"n_rows": 6.0}, "elsewhere": {"n_rows": 1e9}})
    assert table.datasets == ("a", "b", "c")
    assert encoded(table) == {"dataset.n_rows": [4.0, 6.0, NAN, 4.0]}
