"""ConfigSpace's JSON (formats 0.2 to 0.4): conditions, conjunctions, forbidden clauses and relations.

A condition on a parameter with countless values cannot be said in our language: it is dropped with a warning, which
leaves a larger space. Source: ConfigSpace/read_and_write/dictionary.py.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from app.importers.recover import finite
from app.importers.spaces import conditions
from app.importers.spaces.conditions import Boxes
from app.importers.spaces.grids import grid_or_log, on_grid
from app.importers.spaces.translation import Spec, Translation, at, list_at, number_at, object_at

MAX_LISTED: Final = 1_000
"""Values of an integer that a condition may list."""
SIGMAS: Final = 3.0
_COMPARED: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "EQ": operator.eq,
    "NEQ": operator.ne,
    "LT": operator.lt,
    "GT": operator.gt,
}
_RELATIONS: Final = {"RELATION_EQ": "!=", "RELATION_LT": ">=", "RELATION_GT": "<="}
"""What must hold where the relation is forbidden."""


def translate(document: Any) -> Translation:
    """Raises: CannotTranslate."""
    space = object_at(document)
    made = Translation()
    listed = list_at(space.get("hyperparameters"), "hyperparameters")
    specs = {}
    for i, given in enumerate(listed):
        parameter = object_at(given, "hyperparameters", i)
        specs[str(parameter.get("name"))] = _spec(made, parameter, i)
    given_conditions = [
        object_at(c, "conditions", i) for i, c in enumerate(list_at(space.get("conditions", []), "conditions"))
    ]
    for name, boxes in _Activity(made, specs, given_conditions).all().items():
        for box in boxes:
            made.add(name, specs[name], {parent: _listed(specs[parent], box[parent]) for parent in box})
    for i, clause in enumerate(list_at(space.get("forbiddens", []), "forbiddens")):
        _forbid(made, object_at(clause, "forbiddens", i), i)
    return made


def _spec(made: Translation, parameter: Mapping[str, Any], i: int) -> Spec:
    kind, where, name = str(parameter.get("type")), ("hyperparameters", i), str(parameter.get("name"))
    if kind == "categorical":
        weights = list_at(parameter.get("weights") or parameter.get("probabilities") or [], *where, "weights")
        if any(weight != weights[0] for weight in weights):
            made.warn(name, "the weights of its choices are lost")
        return {"type": "categorical", "choices": finite(list_at(parameter.get("choices"), *where, "choices"))}
    if kind == "ordinal":
        return {"type": "ordinal", "choices": finite(list_at(parameter.get("sequence"), *where, "sequence"))}
    if kind in ("constant", "unparametrized"):
        return {"type": "constant", "value": finite(parameter.get("value"))}
    density, _, typ = kind.partition("_")
    if density not in ("uniform", "normal", "beta") or typ not in ("float", "int"):
        raise at((*where, "type"), f"there is no hyperparameter type {kind!r}")
    return _range(made, parameter, density, typ, where)


def _range(made: Translation, parameter: Mapping[str, Any], density: str, typ: str, where: tuple[Any, ...]) -> Spec:
    name, low, high = str(parameter.get("name")), parameter.get("lower"), parameter.get("upper")
    if density == "normal" and (low is None or high is None):
        mu, sigma = number_at(parameter.get("mu"), *where, "mu"), number_at(parameter.get("sigma"), *where, "sigma")
        low, high = mu - SIGMAS * sigma, mu + SIGMAS * sigma
        low, high = (round(low), round(high)) if typ == "int" else (low, high)
    low, high = number_at(low, *where, "lower"), number_at(high, *where, "upper")
    if density != "uniform":
        made.warn(name, f"a {density} density became the range from {low:g} to {high:g}, all alike")
    log = parameter.get("log") is True
    if parameter.get("q") is not None:
        grid = on_grid(low, high, number_at(parameter["q"], *where, "q"), origin=low)
        if grid is None:
            raise at((*where, "lower"), f"lower {low!r} is above upper {high!r}")
        return grid_or_log(made, name, grid, log=log)
    return {"type": typ, "low": low, "high": high} | ({"log": True} if log else {})


# ---------------------------------------------------------------- conditions


class _Activity:
    """When each parameter is active, worked out parents first."""

    def __init__(self, made: Translation, specs: Mapping[str, Spec], given: Sequence[Mapping[str, Any]]) -> None:
        self._made = made
        self._values = {name: _values(spec) for name, spec in specs.items()}
        self._counts = {name: len(values) for name, values in self._values.items() if values is not None}
        self._given: dict[str, list[Mapping[str, Any]]] = {name: [] for name in specs}
        self._active: dict[str, Boxes] = {}
        self._under_way: set[str] = set()
        for i, condition in enumerate(given):
            child = str(condition.get("child"))
            if child not in self._given:
                raise at(("conditions", i, "child"), f"there is no hyperparameter {child!r}")
            self._given[child].append(condition)

    def all(self) -> Mapping[str, Boxes]:
        """The boxes of every parameter, which are disjoint."""
        found = {name: self._of(name) for name in self._given}
        return {
            name: conditions.with_ancestors(boxes, self._active) if len(boxes) > 1 else boxes
            for name, boxes in found.items()
        }

    def _of(self, name: str) -> Boxes:
        if name in self._under_way:
            raise at(("conditions",), f"the conditions of {name!r} go in a circle")
        if name not in self._active:
            self._under_way.add(name)
            self._active[name] = self._all_of(name, self._given[name])
            self._under_way.discard(name)
        return self._active[name]

    def _all_of(self, child: str, given: Sequence[Mapping[str, Any]]) -> Boxes:
        boxes: Boxes = conditions.ALWAYS
        try:
            for condition in given:
                if (one := self._boxes(condition)) is None:
                    self._made.warn(child, f"a condition is lost: {_shown(condition)}")
                else:
                    boxes = conditions.both(boxes, one)
        except conditions.TooManyBoxes:
            self._made.warn(child, "its condition takes too many cases to be said, and is lost")
            return conditions.ALWAYS
        return boxes

    def _boxes(self, condition: Mapping[str, Any]) -> Boxes | None:
        """Where a condition holds; None where our language cannot say it."""
        kind = condition.get("type")
        if kind == "AND":
            return self._all_of(str(condition.get("child")), _components(condition))
        if kind == "OR":
            parts = [self._boxes(component) for component in _components(condition)]
            sayable = [part for part in parts if part is not None]
            return None if len(sayable) < len(parts) else conditions.either(sayable, self._counts, self._active)
        parent = str(condition.get("parent"))
        if parent not in self._values:
            raise at(("conditions",), f"there is no hyperparameter {parent!r}")
        self._of(parent)
        values = self._values[parent]
        if values is None:
            return None
        kept = frozenset(i for i, value in enumerate(values) if _holds(condition, value, values))
        boxes: Boxes = [{parent: kept}] if kept else []
        if condition.get("type") == "NEQ":  # to ConfigSpace an inactive parent has no value, which is another one
            inactive = conditions.nowhere(self._active[parent], self._counts, self._active)
            boxes = conditions.either([boxes, inactive], self._counts, self._active)
        return boxes


def _components(condition: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [object_at(component, "conditions") for component in list_at(condition.get("conditions"), "conditions")]


def _holds(condition: Mapping[str, Any], value: Any, values: Sequence[Any]) -> bool:
    """Ordinals compare by their place in the sequence."""
    kind = str(condition.get("type"))
    if kind == "IN":
        return any(_same(value, wanted) for wanted in list_at(condition.get("values"), "conditions", "values"))
    if kind not in _COMPARED:
        raise at(("conditions",), f"there is no condition type {kind!r}")
    wanted = finite(condition.get("value"))
    if kind in ("EQ", "NEQ"):
        return _same(value, wanted) == (kind == "EQ")
    places = [i for i, other in enumerate(values) if _same(other, wanted)]
    if places:
        return _COMPARED[kind](next(i for i, other in enumerate(values) if other is value), places[0])
    numbers = isinstance(value, (int, float)) and isinstance(wanted, (int, float))
    return numbers and bool(_COMPARED[kind](value, wanted))


def _same(left: Any, right: Any) -> bool:
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def _values(spec: Spec) -> Sequence[Any] | None:
    """Every value of a parameter; None if they are too many to be listed."""
    if spec["type"] == "constant":
        return [spec["value"]]
    if spec["type"] in ("categorical", "ordinal"):
        choices: Sequence[Any] = spec["choices"]
        return choices
    if spec["type"] == "int":
        low, high, step = (int(spec.get(name, 1)) for name in ("low", "high", "step"))
        return range(low, high + 1, step) if (high - low) // step < MAX_LISTED else None
    return None


def _listed(spec: Spec, numbers: frozenset[int]) -> list[Any]:
    values = _values(spec) or ()
    return [values[i] for i in sorted(numbers)]


def _shown(condition: Mapping[str, Any]) -> str:
    if "conditions" in condition:
        return f" {str(condition.get('type')).lower()} ".join(_shown(part) for part in _components(condition))
    wanted = condition.get("values", condition.get("value"))
    return f"{condition.get('parent')} {condition.get('type')} {wanted!r}"


# ---------------------------------------------------------------- forbidden


def _forbid(made: Translation, clause: Mapping[str, Any], i: int) -> None:
    kind = str(clause.get("type"))
    if kind in _RELATIONS:
        made.constraints.append(f"`{clause.get('left')}` {_RELATIONS[kind]} `{clause.get('right')}`")
        return
    components = list_at(clause.get("clauses"), "forbiddens", i, "clauses") if kind == "AND" else [clause]
    together: dict[str, list[Any]] = {}
    for component in components:
        part = object_at(component, "forbiddens", i)
        if part.get("type") not in ("EQUALS", "IN"):
            raise at(("forbiddens", i, "type"), f"there is no forbidden clause {part.get('type')!r} within another")
        values = finite(
            [part.get("value")] if part["type"] == "EQUALS" else list_at(part.get("values"), "forbiddens", i)
        )
        name = str(part.get("name"))
        together[name] = [v for v in values if any(_same(v, w) for w in together.get(name, values))]
    made.forbidden.append(dict(together))
