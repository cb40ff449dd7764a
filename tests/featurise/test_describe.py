"""Meta-features of tables: known ones, and tables that go wrong."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from app.errors import InvalidRequest
from app.featurise.describe import describe, read_table


def table(dataset: object) -> pa.Table:
    columns = {f"x{j}": dataset.data[:, j] for j in range(dataset.data.shape[1])}
    return pa.table({**columns, "y": dataset.target})


def test_iris() -> None:
    found = describe(table(load_iris()), "y")
    expected = {
        "n_rows": 150,
        "n_features": 4,
        "n_numeric": 4,
        "n_categorical": 0,
        "rows_per_feature": 37.5,
        "is_classification": 1,
        "n_classes": 3,
        "class_entropy": np.log2(3),
        "majority_fraction": 1 / 3,
        "imbalance": 1,
        "fraction_missing": 0,
        "skewness_abs_max": 0.3158,  # sepal width
        "correlation_abs_max": 0.9629,  # petal length and width
        "landmark_stump": 0.66,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-2)
    assert 0.92 < found["landmark_nearest_neighbour"] < 0.98
    assert 0.92 < found["landmark_naive_bayes"] < 0.98
    assert found["information_max"] > 0.7


def test_breast_cancer_is_imbalanced() -> None:
    found = describe(table(load_breast_cancer()), "y")
    p = 357 / 569
    assert found["majority_fraction"] == pytest.approx(p)
    assert found["imbalance"] == pytest.approx(357 / 212)
    assert found["class_entropy"] == pytest.approx(-p * np.log2(p) - (1 - p) * np.log2(1 - p))


def test_diabetes_is_regression() -> None:
    found = describe(table(load_diabetes()), "y")
    y = load_diabetes().target
    assert found["is_classification"] == 0
    assert "n_classes" not in found
    assert found["target_mean"] == pytest.approx(y.mean())
    assert found["target_std"] == pytest.approx(y.std())
    assert found["target_skewness"] == pytest.approx((((y - y.mean()) / y.std()) ** 3).mean())
    assert 0.4 < found["landmark_linear"] < 0.55  # its well-known R²
    assert found["landmark_nearest_neighbour"] < found["landmark_stump"] < found["landmark_linear"]


def test_sizes_kinds_and_missing_values_by_hand() -> None:
    mixed = pa.table(
        {
            "number": [1.0, 2.0, None, float("nan")],
            "text": ["a", "b", "a", None],
            "truth": [True, False, True, True],
            "day": [date(2026, 1, 1), None, date(2026, 1, 3), date(2026, 1, 4)],
            "money": [Decimal("1.5"), Decimal("2.5"), Decimal("1.5"), Decimal("3.5")],
            "nothing": pa.nulls(4),
            "list": [[1], [2], [], [3]],
            "same": ["x"] * 4,
            "coded": pa.array(["u", "v", "u", "w"]).dictionary_encode(),
            "y": ["p", "q", "p", "q"],
        }
    )
    found = describe(mixed, "y")
    expected = {
        "n_rows": 4,
        "n_features": 9,
        "n_numeric": 2,
        "n_categorical": 3,
        "n_boolean": 1,
        "n_datetime": 1,
        "fraction_categorical": 3 / 9,
        "fraction_missing": 8 / 36,
        "fraction_missing_columns": 4 / 9,
        "fraction_constant": 3 / 9,  # nothing, same, list
        "n_levels_mean": 2.0,
        "n_levels_max": 3.0,
        "n_classes": 2,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_a_column_that_is_the_target_explains_all_of_it_and_noise_nothing() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 2000)
    found = describe(pa.table({"copy": [f"class {c}" for c in y], "noise": rng.normal(size=2000), "y": y}), "y")
    assert found["information_max"] == pytest.approx(1.0, abs=0.01)
    assert found["information_mean"] == pytest.approx(0.5, abs=0.01)
    assert found["information_sd"] == pytest.approx(0.5, abs=0.01)


def test_chance_explains_nothing_in_a_small_table_either() -> None:
    rng = np.random.default_rng(0)
    noise = {f"x{j}": rng.normal(size=200) for j in range(20)}
    assert describe(pa.table({**noise, "y": rng.integers(0, 4, 200)}), "y")["information_mean"] < 0.02


def test_landmarkers_read_text() -> None:
    found = describe(pa.table({"x": ["a", "b", "c", None] * 10, "y": [True, False, False, False] * 10}), "y")
    assert found["landmark_stump"] == found["landmark_nearest_neighbour"] == 1.0


@pytest.mark.parametrize(
    ("y", "n_classes"),
    [
        ([0, 1] * 20, 2),
        ([0.0, 1.0] * 20, 2),
        ([True, False] * 20, 2),
        ([*range(1, 11)] * 4, 10),
        (["a", "b", None, "c"] * 10, 3),
        ([*range(40)], None),  # all different
        ([0.5, 1.5] * 20, None),
        ([datetime(2026, 1, 1 + i % 28, tzinfo=UTC) for i in range(40)], None),
    ],
)
def test_the_target_decides_between_classification_and_regression(y: list, n_classes: int | None) -> None:
    found = describe(pa.table({"x": range(40), "y": y}), "y")
    assert found.get("n_classes") == n_classes
    assert found["is_classification"] == (n_classes is not None)
    assert found["n_rows"] == sum(value is not None for value in y)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"x": [1, 2]}, "no column 'y'"),
        ({"y": [1, 2]}, "no column but the target"),
        ({"x": [1, 2], "y": ["a", "a"]}, "less than two values"),
        ({"x": [1, 2], "y": pa.nulls(2)}, "less than two values"),
        ({"x": [1], "y": [1]}, "less than two values"),
        ({"x": pa.array([], pa.string()), "y": pa.array([], pa.string())}, "less than two values"),
        ({"x": [1, 2], "y": [[1], [2]]}, "less than two values"),
    ],
)
def test_what_cannot_be_described_is_refused_with_its_reason(columns: dict, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        describe(pa.table(columns), "y")


def test_two_columns_of_one_name_are_refused() -> None:
    twice = pa.Table.from_arrays([pa.array([1, 2])] * 3, names=["x", "x", "y"])
    with pytest.raises(InvalidRequest, match="more than one column 'x'"):
        describe(twice, "y")


def test_two_rows_have_sizes_but_no_landmarkers() -> None:
    found = describe(pa.table({"x": [1.0, 2.0], "y": ["a", "b"]}), "y")
    assert found["n_rows"] == 2
    assert not any(name.startswith("landmark") for name in found)


_cells = {
    "number": st.one_of(st.none(), st.floats(width=64), st.integers(-(2**53), 2**53).map(float)),
    "text": st.one_of(st.none(), st.text(max_size=3)),
    "truth": st.one_of(st.none(), st.booleans()),
}


@settings(max_examples=30, deadline=None)
@given(st.data(), st.integers(2, 30))
def test_any_table_is_described_with_finite_numbers_or_refused(data: st.DataObject, n: int) -> None:
    kinds = data.draw(st.lists(st.sampled_from(sorted(_cells)), min_size=2, max_size=4))
    columns = {f"c{j}": data.draw(st.lists(_cells[kind], min_size=n, max_size=n)) for j, kind in enumerate(kinds)}
    outcomes = [y for y in columns["c0"] if y is not None and (isinstance(y, str) or np.isfinite(y))]
    if len(set(outcomes)) < 2:
        with pytest.raises(InvalidRequest, match="less than two values"):
            describe(pa.table(columns), "c0")
        return
    found = describe(pa.table(columns), "c0", seed=3)
    assert all(np.isfinite(value) and abs(value) <= 1e300 for value in found.values())
    assert found == describe(pa.table(columns), "c0", seed=3)


def test_a_large_table_takes_little_time_and_the_seed_decides_the_sample() -> None:
    rng = np.random.default_rng(0)
    columns = {f"x{j}": rng.normal(size=50_000) for j in range(48)}
    columns |= {"id": np.arange(50_000).astype(str), "level": rng.choice(list("abcdef"), 50_000)}
    large = pa.table({**columns, "y": rng.integers(0, 3, 50_000)})
    start = time.process_time()
    found = describe(large, "y")
    assert time.process_time() - start < 6  # about one second on a quiet core
    assert found == describe(large, "y")
    assert found != describe(large, "y", seed=1)


def test_tables_are_read_from_csv_and_parquet(tmp_path: Path) -> None:
    written = pa.table({"x": [1.5, None], "day": [date(2026, 1, 1), None], "y": ["a", "b"]})
    pa.csv.write_csv(written, tmp_path / "t.csv")
    pa.parquet.write_table(written, tmp_path / "t.parquet")
    (tmp_path / "unknown.csv").write_text("x,y\n1,a\n?,b\nNA,?\n")
    assert read_table(tmp_path / "t.csv").equals(read_table(tmp_path / "t.parquet"))
    assert describe(read_table(tmp_path / "unknown.csv"), "y")["fraction_missing"] == 0.5


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"x,y\n1,2\n3\n", "t.csv cannot be read: .*Expected 2 columns"),
        ("t.csv", b"", "Empty CSV"),
        ("t.parquet", b"not parquet", "t.parquet cannot be read"),
        ("t.xlsx", b"", "neither .csv nor .parquet"),
        ("t.csv", None, "No such file"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidRequest, match=message):
        read_table(tmp_path / name)
