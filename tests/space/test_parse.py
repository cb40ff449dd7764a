"""Both notations, and a clear fault at the right place for everything that is not a search space."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import InvalidSearchSpace
from app.space import SearchSpace, parse_search_space
from app.space.columns import n_rows

X = {"type": "float", "low": 0, "high": 1}
N = {"type": "int", "low": 0, "high": 9}
AB = {"type": "categorical", "choices": ["a", "b"]}


def faults_of(raw: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidSearchSpace) as caught:
        parse_search_space(raw, where="")
    return [(fault.pointer, fault.message) for fault in caught.value.faults]


def x(**changes: Any) -> dict[str, Any]:
    return {"parameters": {"x": X | changes}}


def with_rules(**rules: Any) -> dict[str, Any]:
    return {"parameters": {"x": X, "n": N, "c": AB, "b": {"type": "bool"}, "learning-rate": X}, **rules}


def when(**whens: Any) -> dict[str, Any]:
    return {"parameters": {name: AB | {"when": condition} for name, condition in whens.items()}}


LONG_CHAIN = {f"p{i}": AB | ({"when": {f"p{i - 1}": "a"}} if i else {}) for i in range(40)}

BAD: dict[str, tuple[Any, str, str]] = {
    "not an object": ([], "", "object"),
    "null": (None, "", "object"),
    "empty": ({}, "", "parameters"),
    "no parameters": ({"parameters": {}}, "/parameters", "not empty"),
    "parameters a text": ({"parameters": "x"}, "/parameters", "map or a list"),
    "unknown key": ({"parameters": {"x": X}, "constraint": []}, "/constraint", 'did you mean "constraints"'),
    "both kinds": ({"parameters": {"x": X}, "candidates": [{"x": 1}]}, "/parameters", "beside candidates"),
    "too many": ({"parameters": {f"p{i}": 1 for i in range(257)}}, "/parameters", "at most 256"),
    # names
    "name empty": ({"parameters": {"": X}}, "/parameters/", "1 to 200"),
    "name long": ({"parameters": {"n" * 201: X}}, "/parameters/" + "n" * 201, "1 to 200"),
    "name with NUL": ({"parameters": {"a\0": X}}, "/parameters/a\0", "control"),
    "name with surrogate": ({"parameters": {"a\ud800": X}}, "/parameters/a\ud800", "surrogate"),
    "name with backtick": ({"parameters": {"a`b": X}}, "/parameters/a`b", "backtick"),
    "name with empty part": ({"parameters": {"a..b": X}}, "/parameters/a..b", "empty part"),
    "dunder": ({"parameters": {"__class__": X}}, "/parameters/__class__", "reserved"),
    "twins": ({"parameters": {"x": X, "hyperparameters.x": X}}, "/parameters/hyperparameters.x", "same input"),
    "twin accents": ({"parameters": {"caf\u00e9": X, "cafe\u0301": X}}, "/parameters/cafe\u0301", "same input"),
    "list without name": ({"parameters": [X]}, "/parameters/0", "name"),
    "list with odd name": ({"parameters": [X | {"name": 3}]}, "/parameters/0/name", "name"),
    "list of scalars": ({"parameters": [3]}, "/parameters/0", "object"),
    "inside an object": (
        {"parameters": {"o": [{"k": 1}, "none"], "o.k": X}},
        "/parameters/o.k",
        "inside the objects",
    ),
    # specs
    "no type": ({"parameters": {"x": {"low": 0, "high": 1}}}, "/parameters/x", "type is missing"),
    "odd type": (x(type="flaot"), "/parameters/x/type", 'did you mean "float"'),
    "type a list": (x(type=[]), "/parameters/x/type", "type is one of"),
    "odd key": (x(hihg=2), "/parameters/x/hihg", 'did you mean "high"'),
    "no bound": ({"parameters": {"x": {"type": "int", "low": 1}}}, "/parameters/x", '"high"'),
    "reversed": (x(low=5, high=2), "/parameters/x/low", "above high"),
    "bound a text": (x(low="0"), "/parameters/x/low", "number"),
    "bound true": (x(low=True), "/parameters/x/low", "number"),
    "bound null": (x(high=None), "/parameters/x/high", "number"),
    "bound infinite": (x(high=float("inf")), "/parameters/x/high", "finite"),
    "bound NaN": (x(high=float("nan")), "/parameters/x/high", "finite"),
    "int bound fraction": (x(type="int", low=0.5), "/parameters/x/low", "whole number"),
    "int beyond 2^53": (x(type="int", high=2**53 + 1), "/parameters/x/high", "2^53"),
    "giant int": (x(high=10**400), "/parameters/x/high", "2^53"),
    "log of 0": (x(log=True), "/parameters/x/low", "above 0"),
    "log a text": (x(log="yes"), "/parameters/x/log", "true or false"),
    "log with step": (x(low=1, high=9, log=True, step=2), "/parameters/x/step", "exclude"),
    "step 0": (x(step=0), "/parameters/x/step", "above 0"),
    "step negative": (x(step=-0.1), "/parameters/x/step", "above 0"),
    "step NaN": (x(step=float("nan")), "/parameters/x/step", "above 0"),
    "step a text": (x(step="0.1"), "/parameters/x/step", "number"),
    "step absurd": (x(step=1e-300), "/parameters/x/step", "2^53"),
    "step lost in rounding": (x(low=1e9, high=1e9 + 1, step=1e-7), "/parameters/x/step", "too small"),
    "int step fraction": (x(type="int", step=0.5), "/parameters/x/step", "whole number"),
    "no choices": ({"parameters": {"c": {"type": "categorical"}}}, "/parameters/c", '"choices"'),
    "empty choices": ({"parameters": {"c": {"type": "ordinal", "choices": []}}}, "/parameters/c/choices", "no choice"),
    "empty list": ({"parameters": {"c": []}}, "/parameters/c", "no choice"),
    "choices a text": ({"parameters": {"c": AB | {"choices": "ab"}}}, "/parameters/c/choices", "list"),
    "duplicates": ({"parameters": {"c": ["a", "b", "a"]}}, "/parameters/c/2", "same as choice 0"),
    "1 and 1.0": ({"parameters": {"c": [1, 1.0]}}, "/parameters/c/1", "same as choice 0"),
    "nested 1 and 1.0": ({"parameters": {"c": [[1], [1.0]]}}, "/parameters/c/1", "same as choice 0"),
    "nested and dotted": ({"parameters": {"c": [{"a": {"b": 1}}, {"a.b": 1}]}}, "/parameters/c/1", "same as choice"),
    "too many choices": ({"parameters": {"c": list(range(10_001))}}, "/parameters/c", "at most 10000"),
    "choice infinite": ({"parameters": {"c": [1, [float("inf")]]}}, "/parameters/c/1/0", "finite"),
    "constant beyond 2^53": ({"parameters": {"c": 2**60}}, "/parameters/c", "2^53"),
    "constant without value": ({"parameters": {"c": {"type": "constant"}}}, "/parameters/c", '"value"'),
    "bool with choices": ({"parameters": {"b": {"type": "bool", "choices": [1]}}}, "/parameters/b/choices", "no"),
    # conditions
    "when a list": (when(a=[]), "/parameters/a/when", "object"),
    "unknown parent": (when(optimizer={}, a={"optimiser": "a"}), "/parameters/a/when/optimiser", 'did you mean "opt'),
    "impossible value": (when(a={}, b={"a": ["a", "z"]}), "/parameters/b/when/a/1", "cannot be"),
    "value of another type": (when(a={}, b={"a": True}), "/parameters/b/when/a", "cannot be"),
    "no value": (when(a={}, b={"a": []}), "/parameters/b/when/a", "empty"),
    "itself": (when(a={"a": "a"}), "/parameters/a/when", "circle: a -> a"),
    "circle": (when(a={"c": "a"}, b={"a": "a"}, c={"b": "a"}), "/parameters/a/when", "circle: a -> c -> b -> a"),
    "long chain": ({"parameters": LONG_CHAIN}, "/parameters/p33/when", "longer than 32"),
    "continuous parent": (
        {"parameters": {"x": X, "y": X | {"when": {"x": 0.5}}}},
        "/parameters/y/when/x",
        "continuous",
    ),
    "variants at once": (
        {"parameters": [{"name": "x", **X}, {"name": "x", **N}]},
        "/parameters/1",
        "both can be active at once",
    ),
    "variants overlap": (
        {
            "parameters": [
                {"name": "c", **AB},
                {"name": "x", **X, "when": {"c": ["a", "b"]}},
                {"name": "x", **N, "when": {"c": "b"}},
            ]
        },
        "/parameters/2",
        "both can be active at once",
    ),
    # forbidden
    "forbidden a map": (with_rules(forbidden={}), "/forbidden", "list"),
    "forbidden a text": (with_rules(forbidden=["x"]), "/forbidden/0", "object"),
    "forbidden everything": (with_rules(forbidden=[{}]), "/forbidden/0", "object"),
    "forbidden unknown": (with_rules(forbidden=[{"c": "a"}, {"d": 1}]), "/forbidden/1/d", "no parameter"),
    "forbidden impossible": (with_rules(forbidden=[{"n": [3, 10]}]), "/forbidden/0/n/1", "cannot be 10"),
    "forbidden twice": (with_rules(forbidden=[{"c": "a", "hyperparameters.c": "b"}]), "/forbidden/0", "twice"),
    "too many rules": (with_rules(forbidden=[{"c": "a"}] * 1001), "/forbidden", "at most 1000"),
    # constraints
    "constraints a text": (with_rules(constraints="x < 1"), "/constraints", "list"),
    "constraint a number": (with_rules(constraints=[1]), "/constraints/0", "text"),
    "constraint empty": (with_rules(constraints=[""]), "/constraints/0", "at character 1"),
    "constraint unfinished": (with_rules(constraints=["x < 1", "x <"]), "/constraints/1", "at character 4"),
    "constraint unknown": (with_rules(constraints=["x + m < 1"]), "/constraints/0", 'no parameter "m"'),
    "assignment": (with_rules(constraints=["x = 1"]), "/constraints/0", "write =="),
    "caret": (with_rules(constraints=["x ^ 2 < 1"]), "/constraints/0", "write **"),
    "ampersand": (with_rules(constraints=["x < 1 && n < 1"]), "/constraints/0", "write and"),
    "divides by 0": (with_rules(constraints=["x / 0 < 1"]), "/constraints/0", "division by zero, at character 3"),
    "divides by 0 folded": (with_rules(constraints=["n % (2 - 2) == 1"]), "/constraints/0", "division by zero"),
    "tower": (with_rules(constraints=["9**9**9**9 > x"]), "/constraints/0", "too large"),
    "huge literal": (with_rules(constraints=["x < 1e999"]), "/constraints/0", "too large"),
    "digits": (with_rules(constraints=["x < " + "9" * 4000]), "/constraints/0", "too large"),
    "a megabyte": (with_rules(constraints=["x+" * 500_000 + "x < 1"]), "/constraints/0", "at most 4096"),
    "parentheses": (with_rules(constraints=["(" * 2000 + "x" + ")" * 2000 + "<1"]), "/constraints/0", "more than 32"),
    "minus signs": (with_rules(constraints=["-" * 2000 + "x < 1"]), "/constraints/0", "more than 32"),
    "powers": (with_rules(constraints=["x" + "**x" * 1000 + " < 1"]), "/constraints/0", "more than 32"),
    "nots": (with_rules(constraints=["not " * 1000 + "b"]), "/constraints/0", "more than 32"),
    "code": (with_rules(constraints=["__import__('os') == 1"]), "/constraints/0", "no function"),
    "dunder name": (with_rules(constraints=["__name__ == 'x'"]), "/constraints/0", "no parameter"),
    "attribute": (with_rules(constraints=["x.__class__ == 1"]), "/constraints/0", "no parameter"),
    "lambda": (with_rules(constraints=["(lambda: x)() < 1"]), "/constraints/0", "unexpected"),
    "index": (with_rules(constraints=["x[0] < 1"]), "/constraints/0", "unexpected"),
    "open quote": (with_rules(constraints=["c == 'a"]), "/constraints/0", "quote"),
    "arithmetic on a text": (with_rules(constraints=["c + 1 < 2"]), "/constraints/0", '"c" is not a number'),
    "order of a text": (with_rules(constraints=["c < 'b'"]), "/constraints/0", '"c" is not a number'),
    "arithmetic on a bool": (with_rules(constraints=["b + 1 < 2"]), "/constraints/0", '"b" is not a number'),
    "number with a text": (with_rules(constraints=["x == 'a'"]), "/constraints/0", "different kinds"),
    "unlisted choice": (with_rules(constraints=["c == 'bb'"]), "/constraints/0", 'did you mean "b"'),
    "no condition": (with_rules(constraints=["x + 1"]), "/constraints/0", "not a condition"),
    "names nothing": (with_rules(constraints=["1 < 2"]), "/constraints/0", "names no parameter"),
    "needs backticks": (with_rules(constraints=["learning-rate < 1"]), "/constraints/0", 'no parameter "learning"'),
    "arguments": (with_rules(constraints=["log(x, 2) < 1"]), "/constraints/0", "takes one argument"),
    "two values": (with_rules(constraints=["2x < 1"]), "/constraints/0", "expected an operator"),
    # candidates
    "candidates a map": ({"candidates": {}}, "/candidates", "list"),
    "candidates empty": ({"candidates": []}, "/candidates", "not empty"),
    "candidate a number": ({"candidates": [{"x": 1}, 3]}, "/candidates/1", "object"),
    "candidate empty": ({"candidates": [{}]}, "/candidates/0", "with a value"),
    "candidate infinite": ({"candidates": [{"x": 1.0}, {"x": float("inf")}]}, "/candidates/1/x", "finite"),
    "candidate NaN": ({"candidates": [{"x": 1.0}, {"x": float("nan")}, {"x": 2}]}, "/candidates/1/x", "finite"),
    "candidate giant": ({"candidates": [{"o": {"x": 10**400}}]}, "/candidates/0/o", "2^53"),
    "candidate list": ({"candidates": [{"x": [1, [2**60]]}]}, "/candidates/0/x/1/0", "2^53"),
    "candidate text": ({"candidates": [{"x": "y" * 5000}]}, "/candidates/0/x", "4096"),
    "candidate name": ({"candidates": [{"x": 1}, {"": 1}]}, "/candidates/1", "1 to 200"),
    "candidate dunder": ({"candidates": [{"__proto__": 1}]}, "/candidates/0", "reserved"),
    "candidate twice": ({"candidates": [{"a.b": 1, "a": {"b": 2}}]}, "/candidates/0", "twice"),
    "candidate names": ({"candidates": [{f"p{i}": i} for i in range(300)]}, "/candidates", "at most 256"),
    "too many candidates": ({"candidates": [{"x": 1}] * 100_001}, "/candidates", "at most 100000"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_spaces_are_refused_where_they_are_bad(case: str) -> None:
    raw, pointer, words = BAD[case]
    started = time.process_time()
    found = faults_of(raw)
    assert time.process_time() - started < 2.0
    assert any(at == pointer and words in message for at, message in found), found
    assert all(len(message) < 500 for _, message in found)


def test_every_mistake_is_named_at_once() -> None:
    raw = {
        "parameters": {"x": {"type": "float", "low": 2, "high": 1}, "c": [], "y": X | {"when": {"z": 1}}},
        "forbidden": [{"w": 1}],
        "constraints": ["y <", "x < 1"],
    }
    pointers = [pointer for pointer, _ in faults_of(raw)]
    assert pointers == [
        "/parameters/x/low",
        "/parameters/c",
        "/parameters/y/when/z",
        "/forbidden/0/w",
        "/constraints/0",
    ]


def test_at_most_twenty_faults() -> None:
    assert len(faults_of({"parameters": {f"p{i}": [] for i in range(100)}})) == 20


def test_pointers_are_escaped_and_stand_under_the_given_place() -> None:
    with pytest.raises(InvalidSearchSpace) as caught:
        parse_search_space({"parameters": {"a/b~c": []}}, where="/search_space")
    assert caught.value.faults[0].pointer == "/search_space/parameters/a~1b~0c"


# ---------------------------------------------------------------- what is allowed


def listed(raw: dict[str, Any]) -> list[dict[str, Any]]:
    space = parse_search_space(raw)
    columns = space.enumerate(1000)
    assert columns is not None
    return space.decode(columns, range(n_rows(columns)))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"x": X | {"low": 1}}, [{"x": 1.0}]),
        ({"x": N | {"low": 9.0}}, [{"x": 9}]),
        ({"x": N | {"step": 4}}, [{"x": 0}, {"x": 4}, {"x": 8}]),
        ({"x": {"type": "int", "low": 1, "high": 3, "log": True, "step": 1}}, [{"x": 1}, {"x": 2}, {"x": 3}]),
        ({"x": X | {"step": 5}}, [{"x": 0.0}]),
        ({"x": None}, [{"x": None}]),
        ({"x": {"type": "constant", "value": {"k": [1]}}}, [{"x": {"k": [1]}}]),
        ({"x": [1, True, "1", None]}, [{"x": 1}, {"x": True}, {"x": "1"}, {"x": None}]),
        ({"x": [[1, 2], {"k": 1}, {}]}, [{"x": [1, 2]}, {"x": {"k": 1}}, {"x": {}}]),
        ({"x": {"type": "bool"}}, [{"x": False}, {"x": True}]),
        ({"y": {"type": "constant", "value": 1, "when": {"x": "b"}}, "x": AB}, [{"x": "a"}, {"y": 1, "x": "b"}]),
        (
            {"x": AB, "y": {"type": "bool", "when": {}}, "z": {"type": "constant", "value": 0, "when": {"y": [True]}}},
            None,
        ),
    ],
)
def test_odd_but_right_spaces(raw: dict[str, Any], expected: list[dict[str, Any]] | None) -> None:
    found = listed({"parameters": raw})
    if expected is not None:
        assert found == expected
        assert [[type(v) for v in c.values()] for c in found] == [[type(v) for v in c.values()] for c in expected]


def test_a_list_valued_choice_stands_in_a_list() -> None:
    raw = {"shape": [[1, 2], [3]], "y": AB | {"when": {"shape": [[3]]}}}
    assert listed({"parameters": raw}) == [{"shape": [1, 2]}, {"shape": [3], "y": "a"}, {"shape": [3], "y": "b"}]


def test_variants_of_one_name_under_disjoint_conditions() -> None:
    raw = [
        {"name": "rate", "type": "categorical", "choices": ["auto", 5], "when": {"kind": "nested.a"}},
        {"name": "rate", "type": "int", "low": 1, "high": 2, "when": {"deep": True}},
        {"name": "deep", "type": "bool", "when": {"kind": "nested.b"}},
        {"name": "kind", "type": "categorical", "choices": ["nested.a", "nested.b"]},
        {"name": "below", "type": "constant", "value": 0, "when": {"rate": [2, "auto"]}},
    ]
    assert listed({"parameters": raw}) == [
        {"rate": "auto", "kind": "nested.a", "below": 0},
        {"rate": 5, "kind": "nested.a"},
        {"deep": False, "kind": "nested.b"},
        {"rate": 1, "deep": True, "kind": "nested.b"},
        {"rate": 2, "deep": True, "kind": "nested.b", "below": 0},
    ]


def test_limits_are_inclusive() -> None:
    many = parse_search_space({"parameters": {f"p{i}": {"type": "bool"} for i in range(256)}})
    assert many.size() == 2**256
    assert isinstance(many, SearchSpace)
    assert n_rows(many.sample(16, 0)) == 16
    chain = {name: spec for name, spec in LONG_CHAIN.items() if int(name[1:]) <= 32}
    assert parse_search_space({"parameters": chain}).size() == 34
    assert parse_search_space({"parameters": {"c": list(range(10_000))}}).size() == 10_000


# ---------------------------------------------------------------- whatever may be sent

KEYS = (
    "parameters",
    "forbidden",
    "constraints",
    "candidates",
    "type",
    "low",
    "high",
    "log",
    "step",
    "choices",
    "value",
)
TYPES = ("float", "int", "categorical", "ordinal", "bool", "constant")
words = st.sampled_from([*KEYS, *TYPES, "when", "name", "x", "y", "a.b", "", "x < y", "x +"])
leaves = st.none() | st.booleans() | st.integers() | st.floats() | words | st.text(max_size=5)
anything = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=5), max_leaves=25
)


@settings(max_examples=300, deadline=None)
@given(anything)
def test_anything_is_a_space_or_has_faults(raw: Any) -> None:
    for attempt in (raw, {"parameters": raw}, {"parameters": {"x": raw, "y": N}}, {"candidates": raw}):
        with contextlib.suppress(InvalidSearchSpace):
            parse_search_space(attempt)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("xyn ()+-*/%<>=!.,0123eandortlog`'\"^"), max_size=40))
def test_any_text_is_a_constraint_or_has_a_fault(text: str) -> None:
    with contextlib.suppress(InvalidSearchSpace):
        space = parse_search_space(with_rules(constraints=[text]))
        space.allowed(space.encode([{"x": 0, "n": 0, "c": "a", "b": True, "learning-rate": 0}]))


@pytest.mark.parametrize(
    "raw",
    [
        {"parameters": {"n": N}, "forbidden": [{f"m{i}": i for i in range(50_000)}]},
        {"parameters": {"n": N, "m": N | {"when": {"n": list(range(100, 100_000))}}}},
        {"parameters": {"c": [f"choice {i}" for i in range(10_000)], "m": N | {"when": {"c": ["choice"] * 10_000}}}},
        {"parameters": {"n": {"type": "int"} | {f"lo{i}": i for i in range(50_000)}}},
        {"parameters": {"n": N}, "constraints": ["m < 1"] * 1_000},
        {"parameters": {"n": N}, "constraints": ["n" + "+n" * 2_000 + "<1"] * 200},
        {"candidates": [{"x": [1, float("inf")]}] * 50_000},
        {"n" * i: 1 for i in range(2_000)},
    ],
)
def test_a_megabyte_of_mistakes_is_refused_in_time(raw: Any) -> None:
    started = time.process_time()
    assert 1 <= len(faults_of(raw)) <= 20
    assert time.process_time() - started < 4.0
