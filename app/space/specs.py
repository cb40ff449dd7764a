"""One parameter's spec (JSON) -> a `Number` or a `Choice`, with every fault at its own pointer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from app.errors import pointer
from app.space.columns import JsonValue, is_number, level_key
from app.space.faults import Faults, show, suggestion
from app.space.parameters import LARGEST_EXACT, Choice, Number, Parameter, normal
from app.space.paths import MAX_DEPTH

MAX_CHOICES = 10_000
MAX_TEXT_CHARACTERS = 4_096
LARGEST_FLOAT = 1e300


def read_parameter(name: str, spec: JsonValue, where: str, faults: Faults) -> Parameter | None:
    """The parameter that a spec describes, without its conditions; None if there is a fault."""
    before = len(faults)
    found = _read(name, spec, where, faults)
    return found if len(faults) == before else None


def _read(name: str, spec: JsonValue, where: str, faults: Faults) -> Parameter | None:
    if isinstance(spec, list):
        return Choice(name, name, _choices(spec, where, faults))
    if not isinstance(spec, dict):
        check_value(spec, where, faults)
        return Choice(name, name, (spec,), "constant")
    kind = spec.get("type")
    if not isinstance(kind, str) or kind not in _READERS:
        known = ", ".join(_READERS)
        hint = suggestion(kind, _READERS) if isinstance(kind, str) else ""
        what = (
            f"type is one of {known}, not {show(kind)}{hint}" if "type" in spec else f"type is missing: one of {known}"
        )
        faults.add(where + "/type" if "type" in spec else where, what)
        return None
    required, optional, reader = _READERS[kind]
    known_keys = {"type", "when", *required, *optional}
    for key in spec:
        if key not in known_keys and not faults.full:
            message = f"a parameter of type {kind} has no {show(key)}{suggestion(key, known_keys)}"
            faults.add(where + pointer(key), message)
    for key in required:
        if key not in spec:
            faults.add(where, f"a parameter of type {kind} needs {show(key)}")
            return None
    return reader(name, kind, spec, where, faults)


def _read_number(name: str, kind: str, spec: Mapping[str, JsonValue], where: str, faults: Faults) -> Parameter | None:
    integer = kind == "int"
    low = _bound(spec["low"], integer, where + "/low", faults)
    high = _bound(spec["high"], integer, where + "/high", faults)
    log = spec.get("log", False)
    if not isinstance(log, bool):
        faults.add(where + "/log", f"log is true or false, not {show(log)}")
        return None
    if low is None or high is None:
        return None
    if low > high:
        faults.add(where + "/low", f"low {low!r} is above high {high!r}")
        return None
    if log and low <= 0:
        faults.add(where + "/low", f"a logarithmic scale needs bounds above 0, and low is {low!r}")
    step = _step(spec, low, high, where + "/step", faults)
    return Number(name, name, float(low), float(high), integer, log, step)


def _bound(value: JsonValue, integer: bool, where: str, faults: Faults) -> int | float | None:
    if not is_number(value):
        faults.add(where, f"a bound is a number, not {show(value)}")
        return None
    assert isinstance(value, (int, float))
    if not check_value(value, where, faults):
        return None
    if not integer:
        return float(value)
    if value != int(value) or abs(value) > LARGEST_EXACT:
        faults.add(where, f"a bound of an int is a whole number within 2^53, not {show(value)}")
        return None
    return int(value)


def _step(spec: Mapping[str, JsonValue], low: float, high: float, where: str, faults: Faults) -> float | None:
    """The grid's step: 1 for an int unless given, None for a continuum."""
    integer = spec["type"] == "int"
    step = spec.get("step")
    if step is None:
        return 1.0 if integer else None
    if not is_number(step):
        faults.add(where, f"step is a number, not {show(step)}")
        return None
    assert isinstance(step, (int, float))
    if not 0 < step <= LARGEST_FLOAT:
        faults.add(where, f"step is above 0, not {show(step)}")
    elif integer and step != int(step):
        faults.add(where, f"the step of an int is a whole number, not {show(step)}")
    elif spec.get("log") and not (integer and step == 1):
        faults.add(where, "step and log exclude each other: list the values as choices instead")
    elif not integer and (high - low) / step > LARGEST_EXACT:
        faults.add(where, f"step {show(step)} makes more than 2^53 values")
    elif not integer and step < 4 * float(np.spacing(max(abs(low), abs(high)))) and low < high:
        faults.add(where, f"step {show(step)} is too small to tell numbers as large as the bounds apart")
    return float(step)


def _read_choices(name: str, kind: str, spec: Mapping[str, JsonValue], where: str, faults: Faults) -> Parameter | None:
    choices = spec["choices"]
    if not isinstance(choices, list):
        faults.add(where + "/choices", f"choices is a list, not {show(choices)}")
        return None
    found = _choices(choices, where + "/choices", faults)
    return Choice(name, name, found, "ordinal" if kind == "ordinal" else "categorical")


def _choices(choices: list[JsonValue], where: str, faults: Faults) -> tuple[JsonValue, ...]:
    if not choices:
        faults.add(where, "there is no choice")
    if len(choices) > MAX_CHOICES:
        faults.add(where, f"{len(choices)} choices; at most {MAX_CHOICES}")
        return ()
    first: dict[str, int] = {}
    for i, choice in enumerate(choices):
        if not check_value(choice, where + pointer(i), faults):
            continue
        same = first.setdefault(level_key(normal(choice)), i)
        if same != i:
            faults.add(where + pointer(i), f"{show(choice)} is the same as choice {same}")
    return tuple(choices)


def _read_bool(name: str, kind: str, spec: Mapping[str, JsonValue], where: str, faults: Faults) -> Parameter:
    return Choice(name, name, (False, True), "bool")


def _read_constant(name: str, kind: str, spec: Mapping[str, JsonValue], where: str, faults: Faults) -> Parameter:
    check_value(spec["value"], where + "/value", faults)
    return Choice(name, name, (spec["value"],), "constant")


Reader = Callable[[str, str, Mapping[str, JsonValue], str, Faults], Parameter | None]
_READERS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...], Reader]]] = {
    "float": (("low", "high"), ("log", "step"), _read_number),
    "int": (("low", "high"), ("log", "step"), _read_number),
    "categorical": (("choices",), (), _read_choices),
    "ordinal": (("choices",), (), _read_choices),
    "bool": ((), (), _read_bool),
    "constant": (("value",), (), _read_constant),
}
"""By type: required keys, optional keys, reader."""


def check_value(value: JsonValue, where: str, faults: Faults, depth: int = 0) -> bool:
    """Whether a JSON value can be a configuration's; a fault at its place otherwise."""
    message = _value_fault(value, depth)
    if message is not None:
        faults.add(where, message)
        return False
    if isinstance(value, list):
        return not [i for i, item in enumerate(value) if not check_value(item, where + pointer(i), faults, depth + 1)]
    if isinstance(value, dict):
        return not [k for k, item in value.items() if not check_value(item, where + pointer(k), faults, depth + 1)]
    return True


def _value_fault(value: JsonValue, depth: int) -> str | None:
    if depth > MAX_DEPTH:
        return f"more than {MAX_DEPTH} lists or objects stand in each other"
    if isinstance(value, float) and not (math.isfinite(value) and abs(value) <= LARGEST_FLOAT):
        return "a number is finite and within 1e300"
    if isinstance(value, int) and abs(value) > LARGEST_EXACT:
        return "an integer is within 2^53, beyond which numbers are no longer exact"
    if isinstance(value, str) and len(value) > MAX_TEXT_CHARACTERS:
        return f"a text has at most {MAX_TEXT_CHARACTERS} characters, this one {len(value)}"
    return None
