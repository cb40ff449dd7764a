"""Exact sizes of spaces that nobody could list, and honest ignorance beyond."""

from __future__ import annotations

import time
from typing import Any

from app.space import SearchSpace, parse_search_space


def size(parameters: Any, **rules: Any) -> int | None:
    started = time.process_time()
    found = parse_search_space({"parameters": parameters, **rules}).size()
    assert time.process_time() - started < 5.0
    return found


def number(high: int, **when: Any) -> dict[str, Any]:
    return {"type": "int", "low": 1, "high": high} | ({"when": when} if when else {})


def test_independent_parameters_multiply() -> None:
    assert size({f"p{i}": number(10) for i in range(40)}) == 10**40


def test_a_continuum_is_infinite_and_a_single_number_is_not() -> None:
    real = {"type": "float", "low": 0, "high": 1}
    assert size({"x": real, "n": number(3)}) is None
    assert size({"x": real | {"high": 0}, "n": number(3)}) == 3


def test_a_binary_tree_of_conditions() -> None:
    parameters: dict[str, Any] = {"p1": number(2)}
    for i in range(2, 256):
        parameters[f"p{i}"] = number(2, **{f"p{i // 2}": i % 2 + 1})
    expected = {}
    for i in range(255, 0, -1):  # each value activates one child
        expected[i] = expected.get(2 * i, 1) + expected.get(2 * i + 1, 1)
    assert size(parameters) == expected[1]


def test_a_root_with_many_subtrees() -> None:
    parameters: dict[str, Any] = {"root": number(3)}
    for i in range(80):
        parameters[f"a{i}"] = number(2, root=[1, 2])
        parameters[f"b{i}"] = number(1000, **{f"a{i}": 1})
    assert size(parameters) == 1 + 2 * 1001**80


def test_children_of_two_parents() -> None:
    parameters = {"a": number(3), "b": number(4), "c": number(5, a=1, b=[1, 2]), "d": number(6, a=[1, 2])}
    assert size(parameters) == sum(
        (5 if a == 1 and b < 3 else 1) * (6 if a < 3 else 1) for a in (1, 2, 3) for b in (1, 2, 3, 4)
    )


def test_forbidden_pairs_along_a_long_chain() -> None:
    parameters = {f"p{i}": number(2) for i in range(60)}
    clauses = [{f"p{i}": 1, f"p{i + 1}": 1} for i in range(59)]
    a, b = 1, 2  # strings of length 0 and 1 without two neighbouring ones: Fibonacci
    for _ in range(59):
        a, b = b, a + b
    assert size(parameters, forbidden=clauses) == b


def test_a_constraint_beside_a_huge_conditional_rest() -> None:
    parameters: dict[str, Any] = {"a": number(100), "b": number(100)}
    parameters |= {f"c{i}": number(10**6, a=list(range(1, 11))) for i in range(20)}
    few = sum(1 for a in range(1, 101) for b in range(1, 101) if a + b <= 50 and a <= 10)
    others = sum(1 for a in range(1, 101) for b in range(1, 101) if a + b <= 50 and a > 10)
    assert size(parameters, constraints=["a + b <= 50"]) == few * 10**120 + others


def test_a_wide_range_with_few_listed_values() -> None:
    wide = number(2**53)
    assert size({"n": wide, "m": number(7, n=[5, 9]), "k": number(3)}, forbidden=[{"n": 5, "m": [1, 2]}]) == 3 * (
        2**53 - 2 + 5 + 7
    )


def test_too_much_coupling_is_not_counted() -> None:
    parameters = {f"p{i}": number(100) for i in range(6)}
    space = parse_search_space({"parameters": parameters, "constraints": ["p0 + p1 + p2 + p3 + p4 + p5 <= 100"]})
    assert isinstance(space, SearchSpace)
    assert space.finite
    assert space.size() is None
    assert space.enumerate(10**6) is None
