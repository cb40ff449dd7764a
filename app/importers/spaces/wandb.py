"""Weights & Biases sweeps: the YAML of `wandb sweep`, or its `parameters` alone.

The traps: `log_uniform` has *exponents* (of e) for bounds, `log_uniform_values` the values; a `q_` variant gives
multiples of q, counted from 0; bounds that are both integers mean integers; `normal` has no bounds at all.
Source: the controller's own sampler (sweeps 0.3.0, params.py) and schema; wandb/sdk/sweeps/scheduler/optuna.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from app.importers.recover import finite
from app.importers.spaces.grids import grid_or_log, on_grid
from app.importers.spaces.translation import Spec, Translation, at, list_at, number_at, object_at

SIGMAS: Final = 3.0
"""Where an unbounded density is cut: 99.7 % of it remains."""
Path = tuple[str | int, ...]


def translate(document: Any) -> Translation:
    """Raises: CannotTranslate."""
    sweep = object_at(document)
    made, parameters = Translation(), sweep
    where: Path = ()
    if "parameters" in sweep and not _is_spec(sweep["parameters"]):
        parameters, where = object_at(sweep["parameters"], "parameters"), ("parameters",)
        for ignored in ("early_terminate", "run_cap"):
            if ignored in sweep:
                made.warn(ignored, "is no part of a search space")
    _translate(made, parameters, "", where)
    return made


def _is_spec(value: Any) -> bool:
    """Whether it is one parameter, and not a map of them in which one has such a name."""
    if not isinstance(value, dict):
        return False
    named = isinstance(value.get("distribution"), str) or isinstance(value.get("values"), list)
    return named or not isinstance(value.get("value", {}), dict)


def _translate(made: Translation, parameters: Mapping[str, Any], prefix: str, where: Path) -> None:
    for name, given in parameters.items():
        full, place = f"{prefix}{name}", (*where, str(name))
        spec = object_at(given, *place)
        if "parameters" in spec:
            _translate(made, object_at(spec["parameters"], *place, "parameters"), f"{full}.", (*place, "parameters"))
        else:
            made.add(full, _spec(made, full, spec, place))


def _spec(made: Translation, name: str, given: Mapping[str, Any], where: Path) -> Spec:
    distribution = str(given.get("distribution") or _inferred(given, where))
    if distribution == "constant":
        return {"type": "constant", "value": finite(given.get("value"))}
    if distribution in ("categorical", "categorical_w_probabilities"):
        if "probabilities" in given:
            made.warn(name, "the probabilities of its values are lost")
        return _choices(made, name, list_at(given.get("values"), *where, "values"))
    if distribution not in _DISTRIBUTIONS:
        raise at((*where, "distribution"), f"there is no distribution {distribution!r}")
    return _DISTRIBUTIONS[distribution](made, name, given, where)


def _inferred(given: Mapping[str, Any], where: Path) -> str:
    if "values" in given:
        return "categorical"
    if "value" in given:
        return "constant"
    if {"min", "max"} <= given.keys():
        low, high = number_at(given["min"], *where, "min"), number_at(given["max"], *where, "max")
        return "int_uniform" if isinstance(low, int) and isinstance(high, int) else "uniform"
    if {"mu", "sigma"} <= given.keys():
        return "normal"
    raise at(where, "a parameter has value, values, min and max, or a distribution")


def _choices(made: Translation, name: str, values: list[Any]) -> Spec:
    plain: list[Any] = []
    for value in map(finite, values):
        if not any(value == seen and isinstance(value, bool) == isinstance(seen, bool) for seen in plain):
            plain.append(value)
    if len(plain) < len(values):
        made.warn(name, "a value that is listed more than once counts once")
    return {"type": "categorical", "choices": plain}


def _bounds(given: Mapping[str, Any], where: Path) -> tuple[float, float]:
    return number_at(given.get("min"), *where, "min"), number_at(given.get("max"), *where, "max")


def _exponents(given: Mapping[str, Any], where: Path) -> tuple[float, float]:
    """Exp of the bounds. Raises: CannotTranslate."""
    low, high = _bounds(given, where)
    if max(abs(low), abs(high)) > 600:
        raise at(where, f"the bounds are exponents of e, and exp({high}) is no number; is log_uniform_values meant?")
    return math.exp(low), math.exp(high)


def _int_uniform(made: Translation, name: str, given: Mapping[str, Any], where: Path) -> Spec:
    low, high = _bounds(given, where)
    return {"type": "int", "low": low, "high": high}


def _uniform(made: Translation, name: str, given: Mapping[str, Any], where: Path) -> Spec:
    low, high = _bounds(given, where)
    return _rounded(made, name, given, where, {"type": "float", "low": low, "high": high})


def _log_uniform(made: Translation, name: str, given: Mapping[str, Any], where: Path) -> Spec:
    low, high = _exponents(given, where)
    if low > 0.5 and high > 2.9e4:
        made.warn(
            name, f"min and max are exponents of e here: {low:g} to {high:g}; log_uniform_values takes the values"
        )
    return _rounded(made, name, given, where, {"type": "float", "low": low, "high": high, "log": True})


def _inverse_log_uniform(made: Translation, name: str, given: Mapping[str, Any], where: Path) -> Spec:
    """log(1/x) is uniform between the bounds, and so is log(x) between their negatives."""
    low, high = _exponents(given, where)
    return {"type": "float", "low": 1 / high, "high": 1 / low, "log": True}


def _log_uniform_values(made: Translation, name: str, given: Mapping[str, Any], where: Path) -> Spec:
    low, high = _bounds(given, where)
    return _rounded(made, name, given, where, {"type": "float", "low": low, "high": high, "log": True})


def _normal(made: Translation, name: str, given: Mapping[str, Any], where: Path) -> Spec:
    mu, sigma = number_at(given.get("mu", 0), *where, "mu"), number_at(given.get("sigma", 1), *where, "sigma")
    low, high = mu - SIGMAS * sigma, mu + SIGMAS * sigma
    made.warn(name, f"a normal density has no bounds; {low:g} to {high:g} holds 99.7 % of it, all alike")
    return _rounded(made, name, given, where, {"type": "float", "low": low, "high": high})


def _log_normal(made: Translation, name: str, given: Mapping[str, Any], where: Path) -> Spec:
    mu, sigma = number_at(given.get("mu", 0), *where, "mu"), number_at(given.get("sigma", 1), *where, "sigma")
    bounds = {"min": mu - SIGMAS * sigma, "max": mu + SIGMAS * sigma}
    low, high = _exponents(bounds, where)
    made.warn(name, f"a log-normal density has no bounds; {low:g} to {high:g} holds 99.7 % of it, all alike")
    return _rounded(made, name, given, where, {"type": "float", "low": low, "high": high, "log": True})


def _beta(made: Translation, name: str, given: Mapping[str, Any], where: Path) -> Spec:
    made.warn(name, "a beta density became the range from 0 to 1, all alike")
    return _rounded(made, name, given, where, {"type": "float", "low": 0.0, "high": 1.0})


def _rounded(made: Translation, name: str, given: Mapping[str, Any], where: Path, spec: Spec) -> Spec:
    """For a `q_` variant the multiples of q within the bounds, else the spec as it is."""
    if not str(given.get("distribution", "")).startswith("q_"):
        return spec
    q = number_at(given.get("q", 1), *where, "q")
    if q <= 0:
        raise at((*where, "q"), f"q is above 0, not {q!r}")
    grid = on_grid(spec["low"], spec["high"], q, origin=0)
    if grid is None:
        raise at(where, f"there is no multiple of {q!r} within the bounds")
    return grid_or_log(made, name, grid, log=spec.get("log", False))


_DISTRIBUTIONS: Final[Mapping[str, Callable[[Translation, str, Mapping[str, Any], Path], Spec]]] = {
    "int_uniform": _int_uniform,
    "uniform": _uniform,
    "q_uniform": _uniform,
    "log_uniform": _log_uniform,
    "q_log_uniform": _log_uniform,
    "log_uniform_values": _log_uniform_values,
    "q_log_uniform_values": _log_uniform_values,
    "inv_log_uniform": _inverse_log_uniform,
    "inv_log_uniform_values": _log_uniform_values,
    "normal": _normal,
    "q_normal": _normal,
    "log_normal": _log_normal,
    "q_log_normal": _log_normal,
    "beta": _beta,
    "q_beta": _beta,
}
