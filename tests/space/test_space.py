"""What a search space promises, on random spaces against a slow and independent reading of the language."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import NoFeasibleConfiguration
from app.space import Columns, SearchSpace, is_among, parse_search_space, path_of
from app.space.columns import n_rows, present, take
from tests.ensembles import examples
from tests.space.reference import all_allowed, configuration_key, is_allowed
from tests.strategies import Case, spaces

modest = settings(max_examples=examples(60), deadline=None)
seeds = st.integers(0, 2**32)


def parse(raw: dict[str, Any]) -> SearchSpace:
    space = parse_search_space(raw)
    assert isinstance(space, SearchSpace)
    return space


def decoded(space: SearchSpace, columns: Columns) -> list[dict[str, Any]]:
    return space.decode(columns, range(n_rows(columns)))


def nested(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Every dotted name as objects in each other."""
    result: dict[str, Any] = {}
    for name, value in configuration.items():
        *above, last = name.split(".")
        inner = result
        for part in above:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return result


def test_a_bound_between_grid_points_is_no_value() -> None:
    space = parse({"parameters": {"n": {"type": "int", "low": 0, "high": 3, "step": 2}}})
    encoded = space.encode([{"n": 0}, {"n": 1}, {"n": 2}, {"n": 3}])
    assert present(encoded["n"]).tolist() == [True, False, True, False]


def test_a_condition_on_a_bound_between_grid_points_never_holds() -> None:
    variants = [
        {"name": "b", "type": "int", "low": 0, "high": 3, "step": 2, "when": {"a": [False]}},
        {"name": "b", "type": "int", "low": 2, "high": 3, "when": {"a": [True]}},
        {"name": "c", "type": "bool", "when": {"b": [3]}},
    ]
    space = parse({"parameters": [{"name": "a", "type": "bool"}, *variants]})
    listed = space.enumerate(100)
    assert listed is not None
    assert space.size() == n_rows(listed) == 2 + 1 + 2


@modest
@given(spaces())
def test_enumerate_is_every_allowed_configuration_once(case: Case) -> None:
    space = parse(case.raw)
    expected = sorted(configuration_key(c) for c in all_allowed(case.raw, case.trees))
    assert space.finite
    assert space.size() == len(expected)
    if not expected:
        with pytest.raises(NoFeasibleConfiguration):
            space.enumerate(10**6)
        return
    columns = space.enumerate(len(expected))
    assert columns is not None
    assert sorted(configuration_key(c) for c in decoded(space, columns)) == expected
    assert space.enumerate(len(expected) - 1) is None


@modest
@given(spaces(continuous=True), st.integers(1, 40), seeds)
def test_samples_are_allowed_distinct_and_repeatable(case: Case, n: int, seed: int) -> None:
    space = parse(case.raw)
    try:
        columns = space.sample(n, seed)
    except NoFeasibleConfiguration:
        assert space.size() in {0, None}
        return
    assert 1 <= n_rows(columns) <= n
    if (size := space.size()) is not None:
        assert n_rows(columns) == min(n, size)
    found = decoded(space, columns)
    assert all(is_allowed(case.raw, case.trees, c) for c in found)
    assert len(set(map(configuration_key, found))) == len(found)
    assert found == decoded(space, space.sample(n, seed))


@modest
@given(spaces(continuous=True), st.integers(1, 5), seeds)
def test_neighbours_are_allowed_distinct_and_repeatable(case: Case, n_each: int, seed: int) -> None:
    space = parse(case.raw)
    try:
        origins = space.sample(6, seed)
    except NoFeasibleConfiguration:
        return
    columns = space.neighbours(origins, n_each, seed)
    found = decoded(space, columns)
    assert len(found) <= 6 * n_each
    assert all(is_allowed(case.raw, case.trees, c) for c in found)
    assert len(set(map(configuration_key, found))) == len(found)
    assert found == decoded(space, space.neighbours(origins, n_each, seed))


@modest
@given(spaces(continuous=True), seeds)
def test_what_is_decoded_encodes_to_the_same_configuration(case: Case, seed: int) -> None:
    space = parse(case.raw)
    try:
        columns = space.sample(20, seed)
    except NoFeasibleConfiguration:
        return
    flat = decoded(space, columns)
    by_path = [{path_of(name): value for name, value in c.items()} for c in flat]
    for spelling in (flat, [nested(c) for c in flat], by_path, [nested(c) for c in by_path]):
        np.testing.assert_array_equal(space.identity(space.encode(spelling)), space.identity(columns))


@modest
@given(spaces())
def test_identity_is_equality_of_configurations(case: Case) -> None:
    space = parse(case.raw)
    if not space.size():
        return
    columns = space.enumerate(10**6)
    assert columns is not None
    identities = space.identity(columns)
    assert len(np.unique(identities)) == space.size()
    few = take(columns, np.arange(0, n_rows(columns), 3))
    np.testing.assert_array_equal(is_among(identities, space.identity(few)), np.arange(len(identities)) % 3 == 0)


@modest
@given(spaces(continuous=True), seeds)
def test_inputs_are_what_a_run_would_report(case: Case, seed: int) -> None:
    space = parse(case.raw)
    try:
        columns = space.sample(10, seed)
    except NoFeasibleConfiguration:
        return
    inputs = space.inputs(columns)
    for row, configuration in enumerate(decoded(space, columns)):
        leaves = dict(itertools.chain.from_iterable(_leaves(path_of(n), v) for n, v in configuration.items()))
        for path, column in inputs.items():
            if path in leaves and leaves[path] is None:  # null and absence are one to every feature
                assert not present(column)[row] or not hasattr(column, "values")
            else:
                assert present(column)[row] == (path in leaves)
        assert {p for p, v in leaves.items() if v is not None} <= inputs.keys()


def _leaves(path: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [leaf for name, inner in value.items() for leaf in _leaves(f"{path}.{name}", inner)]
    return [(path, value)]


# ---------------------------------------------------------------- particular promises

TREE = {
    "parameters": {
        "booster": {"type": "categorical", "choices": ["gbtree", "gblinear"]},
        "learning_rate": {"type": "float", "low": 0.001, "high": 1.0, "log": True},
        "max_depth": {"type": "int", "low": 1, "high": 15, "when": {"booster": ["gbtree"]}},
    },
    "forbidden": [{"booster": "gbtree", "max_depth": [15]}],
    "constraints": ["learning_rate * max_depth <= 6"],
}


def test_the_contract_s_own_example() -> None:
    space = parse(TREE)
    assert space.size() is None
    assert space.enumerate(10**9) is None
    for configuration in decoded(space, space.sample(500, 0)):
        if configuration["booster"] == "gblinear":
            assert "max_depth" not in configuration
        else:
            assert isinstance(configuration["max_depth"], int)
            assert configuration["max_depth"] < 15
            assert configuration["learning_rate"] * configuration["max_depth"] <= 6


@pytest.mark.parametrize(
    "configuration",
    [
        {"booster": "gbtree", "learning_rate": 0.1},  # an active parameter is missing
        {"booster": "gbtree", "learning_rate": 0.1, "max_depth": 2.5},
        {"booster": "gbtree", "learning_rate": 2.0, "max_depth": 2},
        {"booster": "gbtree", "learning_rate": True, "max_depth": 2},
        {"booster": "dart", "learning_rate": 0.1, "max_depth": 2},
        {"learning_rate": 10**400},
        {},
    ],
)
def test_what_does_not_belong_is_absent_in_every_column(configuration: dict[str, Any]) -> None:
    columns = parse(TREE).encode([configuration, {"booster": "gblinear", "learning_rate": 1}])
    assert [present(column)[0] for column in columns.values()] == [False] * 3
    assert [present(column)[1] for column in columns.values()] == [True, True, False]


def test_values_of_inactive_parameters_and_other_names_are_ignored() -> None:
    space = parse(TREE)
    columns = space.encode([{"booster": "gblinear", "learning_rate": 0.5, "max_depth": 99, "momentum": 0.9}])
    assert space.decode(columns, [0]) == [{"booster": "gblinear", "learning_rate": 0.5}]


def test_an_origin_that_does_not_belong_has_no_neighbours() -> None:
    space = parse(TREE)
    assert n_rows(space.neighbours(space.encode([{"booster": "dart"}]), 5, seed=0)) == 0


def test_grid_points_are_the_decimals_that_were_meant() -> None:
    space = parse({"parameters": {"x": {"type": "float", "low": 0.1, "high": 1, "step": 0.1}}})
    columns = space.enumerate(100)
    assert columns is not None
    assert decoded(space, columns) == [{"x": x} for x in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)]
    assert space.decode(space.encode([{"x": 0.1 + 0.2}]), [0]) == [{"x": 0.3}]


@pytest.mark.parametrize("log", [False, True])
def test_the_ends_of_an_int_range_get_their_full_share(log: bool) -> None:
    space = parse({"parameters": {"n": {"type": "int", "low": 1, "high": 3, "log": log}, "z": _UNIT}})
    values = np.asarray([c["n"] for c in decoded(space, space.sample(4096, 3))])
    shares = np.bincount(values)[1:] / 4096
    edges = np.log([0.5, 1.5, 2.5, 3.5]) if log else np.arange(4.0)
    np.testing.assert_allclose(shares, np.diff(edges) / (edges[-1] - edges[0]), atol=0.002)


_UNIT = {"type": "float", "low": 0, "high": 1}


def test_a_log_parameter_is_uniform_in_its_logarithm() -> None:
    space = parse({"parameters": {"x": {"type": "float", "low": 1e-6, "high": 1, "log": True}}})
    logs = np.log10([c["x"] for c in decoded(space, space.sample(1024, 0))])
    np.testing.assert_allclose(np.quantile(logs, [0.25, 0.5, 0.75]), [-4.5, -3, -1.5], atol=0.02)


def test_a_wide_int_range_stays_exact() -> None:
    high = 2**53
    space = parse({"parameters": {"n": {"type": "int", "low": high - 3, "high": high}}})
    columns = space.enumerate(4)
    assert columns is not None
    assert decoded(space, columns) == [{"n": n} for n in range(high - 3, high + 1)]
    wide = parse({"parameters": {"n": {"type": "int", "low": -high, "high": high}}})
    assert wide.size() == 2**54 + 1
    assert all(isinstance(c["n"], int) for c in decoded(wide, wide.sample(64, 0)))


def test_a_sample_finds_the_few_allowed_configurations_of_a_finite_space() -> None:
    parameters = {name: {"type": "int", "low": 0, "high": 99} for name in "abc"}
    space = parse({"parameters": parameters, "constraints": ["a == b", "b == c", "a >= 95"]})
    assert sorted(c["a"] for c in decoded(space, space.sample(50, 0))) == [95, 96, 97, 98, 99]


def test_an_impossible_space_says_which_rule_rejects_most() -> None:
    space = parse({"parameters": {"x": _UNIT, "y": _UNIT}, "constraints": ["x < 0.9", "x + y > 3"]})
    with pytest.raises(NoFeasibleConfiguration, match=r"x \+ y > 3.*rejects every one") as caught:
        space.sample(10, seed=0)
    assert caught.value.faults[0].pointer == "/search_space/constraints/1"
    finite = parse({"parameters": {"x": ["a"]}, "forbidden": [{"x": "a"}]})
    for call in (lambda: finite.enumerate(10), lambda: finite.sample(1, 0)):
        with pytest.raises(NoFeasibleConfiguration):
            call()


def test_different_seeds_give_different_samples() -> None:
    space = parse(TREE)
    assert decoded(space, space.sample(8, 0)) != decoded(space, space.sample(8, 1))


def test_neighbours_of_a_number_are_near() -> None:
    space = parse({"parameters": {"x": _UNIT, "n": {"type": "int", "low": 0, "high": 1000}}})
    origin = space.encode([{"x": 0.5, "n": 500}])
    moved = decoded(space, space.neighbours(origin, 200, seed=0, scale=0.01))
    assert len(moved) == 200
    assert max(abs(c["x"] - 0.5) for c in moved) < 0.06
    assert max(abs(c["n"] - 500) for c in moved) < 60
    assert len({c["n"] for c in moved}) > 10


def test_a_bound_that_falls_short_of_a_grid_point_excludes_it() -> None:
    def values(low: float, high: float, step: float) -> list[float]:
        space = parse({"parameters": {"x": {"type": "float", "low": low, "high": high, "step": step}}})
        return sorted(c["x"] for c in decoded(space, space.enumerate(10) or {}))

    assert values(-0.5, -1.1102230246251565e-16, 0.25) == [-0.5, -0.25]
    assert values(0.0, 0.3, 0.1) == [0.0, 0.1, 0.2, 0.3]
