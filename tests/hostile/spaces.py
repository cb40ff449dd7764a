"""Hostile search spaces: too large, contradictory, or with constraints that want to be code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

INVALID, SIZE, SPACE = (422, "invalid_request"), (413, "payload_too_large"), (422, "invalid_search_space")


Space = tuple[str, Any, tuple[int, str | None], str | None]
"""A name, the search space as JSON text or parts of it, the answer, and the pointer inside of the space."""


def spaces() -> Iterator[Space]:
    yield from sizes()
    yield from parameters()
    yield from constraints()


def space(name: str, body: Any, answer: tuple[int, str | None], where: str | None = None) -> Space:
    return name, body, answer, where


def joined(before: str, value: Any, after: str) -> Any:
    """A text, or the parts of one, between two texts."""
    return before + value + after if isinstance(value, str) else [before, *value, after]


def sizes() -> Iterator[Space]:
    fine = (200, None)
    for exponent in (6, 12, 100):
        axes = {f"p{i}": list(range(10)) for i in range(exponent)}
        yield space(f"a grid of 10^{exponent}", json.dumps({"parameters": axes}), fine)
    wide = {"parameters": {f"p{i}": {"type": "int", "low": -(2**53), "high": 2**53} for i in range(200)}}
    yield space("a grid of 2^10,800", json.dumps(wide), fine)
    for times in (1_000, 10_000):
        names = {"repeat": '"p{i}":[1,2],', "times": times}
        answer = SPACE if times == 1_000 else INVALID  # beyond 4,096 names, no object is taken
        yield space(f"{times:,} parameters", ['{"parameters":{', names, '"z":[1]}}'], answer, "/parameters")
    choices = {"repeat": "{i},", "times": 140_000}
    yield space("140,000 choices", ['{"parameters":{"p":[', choices, "0]}}"], SPACE, "/parameters/p")
    million = {"repeat": "{i:x}1,", "times": 10**6}
    yield space("a million choices", ['{"parameters":{"p":[', million, "0]}}"], SIZE)
    one_digit = {"repeat": "1,", "times": 500_000}
    yield space("500,000 equal choices", ['{"parameters":{"p":[', one_digit, "0]}}"], SPACE, "/parameters/p")
    candidates = {"repeat": '{"a":{i}},', "times": 60_000}
    yield space("60,000 candidates", ['{"candidates":[', candidates, '{"a":-1}]}'], fine)
    paths = {"repeat": '"a{i}":1,', "times": 3_000}
    yield space("a candidate of 3,000 names", ['{"candidates":[{', paths, '"z":1}]}'], SPACE, "/candidates")
    forbidden = {"repeat": '{"p":1},', "times": 10_000}
    clauses = ['{"parameters":{"p":[1,2]},"forbidden":[', forbidden, '{"p":2}]}']
    yield space("10,000 forbidden clauses", clauses, SPACE, "/forbidden")
    chain = {f"p{i}": {"type": "bool"} | ({"when": {f"p{i - 1}": True}} if i else {}) for i in range(200)}
    yield space("a chain of 200 conditions", json.dumps({"parameters": chain}), SPACE)


def parameters() -> Iterator[Space]:
    for name, spec, where in (
        ("low above high", {"type": "float", "low": 1, "high": 0}, "/low"),
        ("a log scale from 0", {"type": "float", "low": 0, "high": 1, "log": True}, "/low"),
        ("a log scale from below 0", {"type": "int", "low": -1, "high": 1, "log": True}, "/low"),
        ("a step of 0", {"type": "float", "low": 0, "high": 1, "step": 0}, "/step"),
        ("a negative step", {"type": "int", "low": 0, "high": 9, "step": -1}, "/step"),
        ("a step of 1e-300", {"type": "float", "low": 0, "high": 1, "step": 1e-300}, "/step"),
        ("a bound of 1e301", {"type": "float", "low": 0, "high": 1e301}, "/high"),
        ("a bound in quotes", {"type": "float", "low": "0", "high": 1}, "/low"),
        ("a bound that is true", {"type": "int", "low": True, "high": 3}, "/low"),
        ("an unknown type", {"type": "normal", "low": 0, "high": 1}, "/type"),
        ("no type", {"low": 0, "high": 1}, ""),
        ("no bounds", {"type": "float"}, ""),
        ("no choice", [], ""),
        ("equal choices", [1, 1.0], "/1"),
        ("equal objects", [{"a": 1, "b": 2}, {"b": 2, "a": 1}], "/1"),
        ("a text of 5,000 characters", ["a" * 5000], "/0"),
        ("a misspelt key", {"type": "float", "low": 0, "high": 1, "hihg": 2}, "/hihg"),
        ("when that is a list", {"type": "bool", "when": []}, "/when"),
        ("when of nobody", {"type": "bool", "when": {"nobody": 1}}, "/when/nobody"),
    ):
        yield space(f"{name}", json.dumps({"parameters": {"p": spec}}), SPACE, f"/parameters/p{where}")
    yield space("a choice of each type", '{"parameters":{"p":[1,true,"1",null,[1],{"a":1}]}}', (200, None))
    yield space("equal bounds", '{"parameters":{"p":{"type":"float","low":1,"high":1}}}', (200, None))
    circle = {"a": {"type": "bool", "when": {"b": True}}, "b": {"type": "bool", "when": {"a": True}}}
    yield space("conditions in a circle", json.dumps({"parameters": circle}), SPACE, "/parameters/a/when")
    itself = {"a": {"type": "bool", "when": {"a": True}}}
    yield space("a condition on itself", json.dumps({"parameters": itself}), SPACE, "/parameters/a/when")
    twins = {"\u00e9": [1], "e\u0301": [2]}  # composed and decomposed
    yield space("names that only Unicode tells apart", json.dumps({"parameters": twins}), INVALID, "/parameters")
    for name in ("", "a\u0007", "__proto__", "x" * 10_000):
        yield space(f"the name {name[:20]!a}", json.dumps({"parameters": {name: [1]}}), SPACE)
    for name in ("constructor", "a/b~c", "a[0]", "\u202egnp.exe", "'; drop table runs;--", "<script>"):
        yield space(f"the name {name!a}", json.dumps({"parameters": {name: [1, 2]}}), (200, None))
    for name, body in {"empty": "{}", "no parameter": '{"parameters":{}}'}.items():
        yield space(name, body, SPACE)
    yield space("both kinds", '{"parameters":{"a":[1]},"candidates":[{"a":1}]}', SPACE, "/parameters")
    yield space("no candidate", '{"candidates":[]}', SPACE, "/candidates")
    yield space("an empty candidate", '{"candidates":[{}]}', SPACE, "/candidates/0")


CONSTRAINTS: dict[str, Any] = {
    "9**9**9**9": "9**9**9**9 > x",
    "x / 0": "x / 0 > 1",
    "x // 0": "x // 0 > 1",
    "x % 0": "x % 0 > 1",
    "1 MB": ["x < 1", {"repeat": " + 1", "times": 250_000}],
    "one name of 1 MB": [{"repeat": "x", "times": 1_000_000}],
    "depth 10,000": [{"repeat": "(", "times": 10_000}, "x < 1", {"repeat": ")", "times": 10_000}],
    "depth 2,000": [{"repeat": "(", "times": 2_000}, "x < 1", {"repeat": ")", "times": 2_000}],
    "2,000 minus signs": [{"repeat": "-", "times": 2_000}, "x < 1"],
    "1,000 times not": [{"repeat": "not ", "times": 1_000}, "x < 1"],
    "1,000 powers": ["x", {"repeat": "**x", "times": 1_000}, " < 1"],
    "open quotes": [{"repeat": "'", "times": 4_001}, "x < 1"],
    "open backticks": "`x < 1",
    "a backslash at the end": "x == 'a\\\\",
    "dunder names": "__import__('os').system('true') == 0",
    "an attribute": "x.__class__ == 1",
    "a subscript": "x[0] == 1",
    "a lambda": "(lambda: 1)() == 1",
    "a comprehension": "[i for i in x] == 1",
    "an f-string": "f'{x}' == 1",
    "a call": "exec('1') == x",
    "open": "open('/etc/passwd') == x",
    "a statement": "x < 1; import os",
    "an assignment": "x := 1",
    "one equals sign": "x = 1",
    "a newline and a statement": "x < 1\\nimport os",
    "a look-alike name": "\u0445 < 1",
    "look-alike digits": "x < \u0661",
    "a look-alike operator": "x \uff1c 1",
    "a full-width name": "\uff58 < 1",
    "an invisible character": "x\u200b < 1",
    "a text override": "x < 1 \u202e",
    "quotes in quotes": "x == \\\"a\\\" 'b'",
    "SQL": "x < 1; DROP TABLE runs --",
    "a comment": "x < 1 # y",
    "a star argument": "min(*x) < 1",
    "no argument": "min() < 1",
    "an unknown function": "sin(x) < 1",
    "two comparisons": "1 < x <",
    "nothing": "",
    "blank": "   ",
    "no parameter": "1 < 2",
    "no comparison": "x",
    "a text and a number": "x < 'a'",
    "1e999": "x < 1e999",
    "5,000 digits": ["x < ", {"repeat": "9", "times": 4_000}],
}


def constraints() -> Iterator[Space]:
    before, after = '{"parameters":{"x":{"type":"int","low":1,"high":9}},"constraints":["', '"]}'
    for name, text in CONSTRAINTS.items():
        yield space(f"constraint: {name}", joined(before, text, after), SPACE, "/constraints/0")
    nothing = (422, "no_feasible_configuration")
    yield space("constraint: never true", f"{before}x > 10{after}", nothing)
    yield space("constraint: x / (x - x)", f"{before}x / (x - x) > 1{after}", nothing)
    yield space("constraint: exp(exp(exp(x)))", f"{before}exp(exp(exp(x))) < 0{after}", nothing)
    yield space("constraint: x ** x ** x ** x", f"{before}x ** x ** x ** x < 100{after}", (200, None))
    body = ['{"parameters":{"x":[1,2]},"constraints":[', {"repeat": '"x<3",', "times": 10_000}, '"x<3"]}']
    yield space("10,000 constraints", body, SPACE, "/constraints")
    yield space("constraint: a number", '{"parameters":{"x":[1]},"constraints":[7]}', SPACE, "/constraints/0")
    yield space("constraints: a text", '{"parameters":{"x":[1]},"constraints":"x<1"}', SPACE, "/constraints")
