"""An explicit list of candidates keeps the promises of a space."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.space import CandidateList, CodedColumn, NumericColumn, parse_search_space
from app.space.columns import n_rows, present
from tests.space.reference import key

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, "1", "x", ""])
candidates = st.dictionaries(
    st.sampled_from(["a", "b.c", "architecture.d", "learning-rate"]),
    scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.sampled_from(["k", "l"]), scalars, max_size=2),
    min_size=1,
)


def parse(raw: list[Any]) -> CandidateList:
    found = parse_search_space({"candidates": raw})
    assert isinstance(found, CandidateList)
    return found


def flat(value: Any, name: str = "") -> dict[str, str]:
    if not isinstance(value, dict) or not value:
        return {name: key(value)}
    return {path: leaf for n, v in value.items() for path, leaf in flat(v, f"{name}.{n}" if name else n).items()}


@settings(max_examples=100, deadline=None)
@given(st.lists(candidates, min_size=1, max_size=12), st.integers(0, 99))
def test_a_list_is_its_distinct_configurations(raw: list[dict[str, Any]], seed: int) -> None:
    space = parse(raw)
    distinct = {str(sorted(flat(c).items())): c for c in reversed(raw)}
    assert space.size() == len(distinct)
    columns = space.enumerate(len(raw))
    assert columns is not None
    assert [repr(c) for c in space.decode(columns, range(space.size()))] == [repr(c) for c in raw if _first(c, raw)]
    sample = space.sample(5, seed)
    found = space.decode(sample, range(n_rows(sample)))
    assert len(found) == min(5, len(distinct))
    assert len({str(sorted(flat(c).items())) for c in found}) == len(found)
    encoded = space.encode(raw)
    np.testing.assert_array_equal(space.identity(encoded), space.identity(space.columns))


def _first(candidate: Any, raw: list[Any]) -> bool:
    return next(c for c in raw if flat(c) == flat(candidate)) is candidate


def test_nesting_and_1_and_null() -> None:
    space = parse(
        [
            {"optimizer": {"name": "adam", "lr": 1}},
            {"optimizer.name": "adam", "optimizer.lr": 1.0},
            {"hyperparameters": {"optimizer": {"name": "adam", "lr": 1}}},
            {"optimizer": {"name": "adam", "lr": None}},
            {"optimizer": {"name": "adam"}},
            {"optimizer": {"name": "adam", "lr": True}},
            {"optimizer": {"name": "adam", "lr": "1"}},
        ]
    )
    assert space.size() == 5


def test_columns_by_input_path() -> None:
    space = parse([{"lr": 1, "architecture.depth": 3}, {"lr": 0.5, "architecture": {"depth": None}}, {"family": "mlp"}])
    inputs = space.inputs(space.columns)
    assert set(inputs) == {"hyperparameters.lr", "architecture.depth", "hyperparameters.family"}
    lr, depth, family = (inputs[p] for p in ("hyperparameters.lr", "architecture.depth", "hyperparameters.family"))
    assert isinstance(lr, NumericColumn)
    np.testing.assert_array_equal(lr.values, [1, 0.5, np.nan])
    assert isinstance(depth, NumericColumn)
    np.testing.assert_array_equal(depth.values, [3, np.nan, np.nan])
    assert isinstance(family, CodedColumn)
    assert [family.levels[code] if code >= 0 else None for code in family.codes] == [None, None, "mlp"]


def test_what_is_not_in_the_list_is_absent() -> None:
    space = parse([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}])
    own = [{"a": 1, "b": "y"}, {"a": 1}, {"a": "1", "b": "x"}, {"a": 2.0, "b": "y", "extra": 3}, {"a": None, "b": "x"}]
    columns = space.encode(own)
    assert present(columns["hyperparameters.a"]).tolist() == [False, False, False, True, False]
    assert space.decode(columns, [3]) == [{"a": 2, "b": "y"}]


def test_a_list_has_no_neighbours_and_excludes_nothing() -> None:
    space = parse([{"a": 1}, {"a": 2}])
    assert n_rows(space.neighbours(space.columns, 5, seed=0)) == 0
    assert space.allowed(space.columns).all()
    assert space.enumerate(1) is None


@pytest.mark.parametrize("n", [1, 3, 10])
def test_samples_repeat_with_their_seed(n: int) -> None:
    space = parse([{"a": i} for i in range(10)])
    rows = [space.decode(space.sample(n, seed), range(n)) for seed in (1, 1, 2)]
    assert rows[0] == rows[1]
    assert n == 10 or rows[0] != rows[2]
