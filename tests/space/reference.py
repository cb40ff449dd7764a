"""The search-space language once more: slow, plain, and independent of `app.space`. Numbers are exact fractions."""

from __future__ import annotations

import itertools
import json
import math
import operator
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

Tree: TypeAlias = tuple[Any, ...]
Configuration: TypeAlias = Mapping[str, Any]
_ABSENT = object()


def key(value: Any) -> str:
    """1 and 1.0 are the same; 1, true and "1" are not."""

    def whole(v: Any) -> Any:
        if isinstance(v, float) and v == int(v):
            return int(v)
        if isinstance(v, dict):
            return {name: whole(inner) for name, inner in v.items()}
        return [whole(inner) for inner in v] if isinstance(v, list) else v

    return json.dumps(whole(value), sort_keys=True)


def configuration_key(configuration: Configuration) -> str:
    return json.dumps({name: key(value) for name, value in configuration.items()}, sort_keys=True)


def specs_of(parameters: Any) -> list[tuple[str, dict[str, Any]]]:
    """(name, spec) of both notations, shorthands written out."""
    if isinstance(parameters, list):
        return [(spec["name"], spec) for spec in parameters]
    long = {list: lambda s: {"type": "categorical", "choices": s}, dict: lambda s: s}
    return [(n, long.get(type(s), lambda s: {"type": "constant", "value": s})(s)) for n, s in parameters.items()]


def values_of(spec: Mapping[str, Any]) -> list[Any] | None:
    """All values of a parameter; None for a continuum."""
    match spec["type"]:
        case "bool":
            return [False, True]
        case "constant":
            return [spec["value"]]
        case "categorical" | "ordinal":
            return list(spec["choices"])
    if spec["low"] == spec["high"]:
        return [spec["low"]]
    if spec["type"] == "int":
        return list(range(spec["low"], spec["high"] + 1, int(spec.get("step") or 1)))
    if not spec.get("step"):
        return None
    low, high, step = (Fraction(str(spec[name])) for name in ("low", "high", "step"))
    return [float(low + i * step) for i in range(math.floor((high - low) / step) + 1)]


def _listed(values: Any) -> set[str]:
    return {key(value) for value in (values if isinstance(values, list) else [values])}


def _matches(assignment: Mapping[str, Any], configuration: Configuration) -> bool:
    return all(n in configuration and key(configuration[n]) in _listed(values) for n, values in assignment.items())


def is_allowed(raw: Mapping[str, Any], trees: tuple[Tree, ...], configuration: Configuration) -> bool:
    """Whether a configuration, keyed by the names as declared, is one of the space's."""
    specs = specs_of(raw["parameters"])
    for name in {name for name, _ in specs} | set(configuration):
        active = [spec for n, spec in specs if n == name and _matches(spec.get("when", {}), configuration)]
        assert len(active) <= 1, "two variants are active"
        if bool(active) != (name in configuration):
            return False
        if active and not _has(active[0], configuration[name]):
            return False
    if any(_matches(clause, configuration) for clause in raw.get("forbidden", [])):
        return False
    return all(_holds(tree, configuration) for tree in trees)


def _has(spec: Mapping[str, Any], value: Any) -> bool:
    if "low" not in spec:
        return (type(value), key(value)) in {(type(v), key(v)) for v in values_of(spec) or []}
    if type(value) is not (int if spec["type"] == "int" else float) or not spec["low"] <= value <= spec["high"]:
        return False
    step = spec.get("step") or (1 if spec["type"] == "int" else None)
    return step is None or (Fraction(str(value)) - Fraction(str(spec["low"]))) % Fraction(str(step)) == 0


def all_allowed(raw: Mapping[str, Any], trees: tuple[Tree, ...]) -> Iterator[dict[str, Any]]:
    """Every allowed configuration of a small finite space, by trying all combinations."""
    values: dict[str, list[Any]] = {}
    for name, spec in specs_of(raw["parameters"]):
        known = values.setdefault(name, [_ABSENT])
        found = values_of(spec)
        assert found is not None
        seen = {(type(k), key(k)) for k in known if k is not _ABSENT}  # variants may have a value as int and as float
        known += [value for value in found if (type(value), key(value)) not in seen]
    for combination in itertools.product(*values.values()):
        configuration = {n: v for n, v in zip(values, combination, strict=True) if v is not _ABSENT}
        if is_allowed(raw, trees, configuration):
            yield configuration


def _holds(tree: Tree, configuration: Configuration) -> bool:
    if not _names(tree) <= configuration.keys():
        return True
    return _truth(tree, configuration) is True


def _names(tree: Tree) -> set[str]:
    if tree[0] in {"number", "truth", "choice"}:
        return {tree[1]}
    return {name for part in tree[1:] if isinstance(part, tuple) for name in _names(part)}


def _truth(tree: Tree, configuration: Configuration) -> bool | None:
    """True, false, or None where it cannot be evaluated."""
    match tree:
        case ("truth", name):
            return bool(configuration[name])
        case ("not", a):
            inner = _truth(a, configuration)
            return None if inner is None else not inner
        case ("and" | "or" as word, a, b):
            both = (_truth(a, configuration), _truth(b, configuration))
            decisive = word == "or"
            return decisive if decisive in both else None if None in both else not decisive
        case (sign, ("choice", name), ("text", text)):
            return bool((key(configuration[name]) == key(text)) == (sign == "=="))
        case (sign, a, b):
            try:
                x, y = _number(a, configuration), _number(b, configuration)
            except ZeroDivisionError:
                return None
            return {"<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y, "==": x == y, "!=": x != y}[sign]
    raise AssertionError(tree)


_FUNCTIONS: dict[str, Callable[[Fraction, Fraction], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": lambda x, y: x ** int(y),
    "min": min,
    "max": max,
}


def _number(tree: Tree, configuration: Configuration) -> Fraction:
    match tree:
        case ("number", name):
            return Fraction(configuration[name])
        case ("literal", value):
            return Fraction(value)
        case ("negative", a):
            return -_number(a, configuration)
        case ("abs", a):
            return abs(_number(a, configuration))
        case (function, a, b):
            return Fraction(_FUNCTIONS[function](_number(a, configuration), _number(b, configuration)))
    raise AssertionError(tree)
