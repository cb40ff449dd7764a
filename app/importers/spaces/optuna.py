"""Optuna's distributions: `{name: distribution}`, each as `optuna.distributions.distribution_to_json` writes it.

Bounds are inclusive; of `step` the library has already cut the upper bound to the grid. Deprecated distributions are
read as Optuna reads them. A space that is defined by running has no conditions to read: a parameter that some trials
do not have is a parameter like any other here, and a warning says so where it is known.
Source: optuna/distributions.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from app.importers.recover import finite
from app.importers.spaces.translation import Spec, Translation, at, list_at, number_at, object_at
from app.space.columns import level_key

_DEPRECATED: Final[Mapping[str, tuple[str, bool, str]]] = {
    "UniformDistribution": ("float", False, ""),
    "LogUniformDistribution": ("float", True, ""),
    "DiscreteUniformDistribution": ("float", False, "q"),
    "IntUniformDistribution": ("int", False, "step"),
    "IntLogUniformDistribution": ("int", True, ""),
}
"""Type, logarithmic or not, and what the step is called."""


def translate(document: Any) -> Translation:
    """Raises: CannotTranslate."""
    return merged({name: [distribution] for name, distribution in object_at(document).items()})


def merged(distributions: Mapping[str, Sequence[Any]]) -> Translation:
    """The smallest space that holds what was drawn from any of a parameter's distributions. Raises: CannotTranslate."""
    made = Translation()
    for name, several in distributions.items():
        specs = [_spec(made, name, distribution) for distribution in several]
        made.add(name, _widest(made, name, specs) if len(specs) > 1 else specs[0])
    return made


def _spec(made: Translation, name: str, distribution: Any) -> Spec:
    if isinstance(distribution, str):
        try:
            distribution = json.loads(distribution)
        except ValueError:
            raise at((name,), f"a distribution is JSON, not {distribution!r}"[:200]) from None
    kind = str(object_at(distribution, name).get("name"))
    attributes = object_at(distribution.get("attributes"), name, "attributes")
    if kind == "CategoricalDistribution":
        choices = list_at(attributes.get("choices"), name, "attributes", "choices")
        return {"type": "categorical", "choices": _distinct(made, name, choices)}
    if kind in _DEPRECATED:
        typ, log, step_name = _DEPRECATED[kind]
    elif kind in ("FloatDistribution", "IntDistribution"):
        typ, log, step_name = kind.removesuffix("Distribution").lower(), attributes.get("log") is True, "step"
    else:
        raise at((name, "name"), f"there is no distribution {kind!r}")
    spec: Spec = {"type": typ} | {
        bound: number_at(attributes.get(bound), name, "attributes", bound) for bound in ("low", "high")
    }
    step = attributes.get(step_name)
    if log:
        return spec | {"log": True}
    return spec if step is None or (typ == "int" and step == 1) else spec | {"step": step}


def _distinct(made: Translation, name: str, choices: Iterable[Any]) -> list[Any]:
    """The choices as JSON; of 1 and 1.0, which Optuna tells apart, the first."""
    found: dict[str, Any] = {}
    for choice in choices:
        plain = finite(choice)
        if found.setdefault(level_key(_whole(plain)), plain) is not plain:
            made.warn(name, f"choice {plain!r} is the same as another one")
    return list(found.values())


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _widest(made: Translation, name: str, specs: Sequence[Spec]) -> Spec:
    """One spec for several: of numbers the range of all, else every choice."""
    made.warn(name, f"trials drew from {len(specs)} distributions; this is all of them together")
    if all(spec["type"] == "categorical" for spec in specs):
        return {
            "type": "categorical",
            "choices": _distinct(Translation(), name, [c for s in specs for c in s["choices"]]),
        }
    if any(spec["type"] == "categorical" for spec in specs):
        raise at((name,), "some trials drew a choice and others a number; one parameter is one or the other")
    whole = all(spec["type"] == "int" for spec in specs)
    low, high = min(spec["low"] for spec in specs), max(spec["high"] for spec in specs)
    spec = {"type": "int" if whole else "float", "low": low, "high": high}
    return spec | ({"log": True} if low > 0 and any(spec.get("log") for spec in specs) else {})
