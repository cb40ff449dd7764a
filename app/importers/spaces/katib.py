"""Katib experiments: the YAML of `kubectl apply`, its `spec`, or the `parameters` alone.

Every number is a text there. A discrete parameter is a list of numbers, a categorical one of texts, which stay texts.
Source: github.com/kubeflow/katib, V1beta1ParameterSpec and V1beta1FeasibleSpace.
"""

from __future__ import annotations

from typing import Any, Final

from app.importers.spaces.grids import grid_or_log, on_grid
from app.importers.spaces.translation import Spec, Translation, at, list_at, number_at, object_at

_LOGARITHMIC: Final = frozenset({"logUniform", "logNormal"})
_NORMAL: Final = frozenset({"normal", "logNormal"})
Path = tuple[str | int, ...]


def translate(document: Any) -> Translation:
    """Raises: CannotTranslate."""
    made = Translation()
    parameters, where = _parameters(document)
    if isinstance(document, dict) and "nasConfig" in object_at(document.get("spec", document), "spec"):
        made.warn("nasConfig", "operations of an architecture search are lost")
    for i, given in enumerate(parameters):
        place = (*where, i)
        parameter = object_at(given, *place)
        name = parameter.get("name")
        if not isinstance(name, str):
            raise at((*place, "name"), f"a name is needed, not {name!r}")
        made.add(name, _spec(made, name, parameter, place))
    return made


def _parameters(document: Any) -> tuple[list[Any], Path]:
    if isinstance(document, list):
        return document, ()
    experiment = object_at(document)
    if "spec" in experiment:
        return list_at(object_at(experiment["spec"], "spec").get("parameters"), "spec", "parameters"), (
            "spec",
            "parameters",
        )
    return list_at(experiment.get("parameters"), "parameters"), ("parameters",)


def _spec(made: Translation, name: str, parameter: dict[str, Any], where: Path) -> Spec:
    kind = parameter.get("parameterType")
    space = object_at(parameter.get("feasibleSpace"), *where, "feasibleSpace")
    where = (*where, "feasibleSpace")
    if kind == "categorical":
        return {"type": "categorical", "choices": [str(value) for value in list_at(space.get("list"), *where, "list")]}
    if kind == "discrete":
        values = list_at(space.get("list"), *where, "list")
        return {"type": "ordinal", "choices": sorted(number_at(v, *where, "list", i) for i, v in enumerate(values))}
    if kind not in ("double", "int"):
        raise at((*where[:-1], "parameterType"), f"there is no parameter type {kind!r}")
    return _range(made, name, space, where, kind)


def _range(made: Translation, name: str, space: dict[str, Any], where: Path, kind: str) -> Spec:
    low, high = number_at(space.get("min"), *where, "min"), number_at(space.get("max"), *where, "max")
    distribution = str(space.get("distribution") or "uniform")
    if distribution not in _LOGARITHMIC | _NORMAL | {"uniform"}:
        raise at((*where, "distribution"), f"there is no distribution {distribution!r}")
    if distribution in _NORMAL:
        made.warn(name, f"a {distribution} density became its range, all alike")
    log = distribution in _LOGARITHMIC
    if space.get("step") in (None, ""):
        spec: Spec = {"type": "float" if kind == "double" else "int", "low": low, "high": high}
        return spec | ({"log": True} if log else {})
    step = number_at(space["step"], *where, "step")
    if step <= 0:
        raise at((*where, "step"), f"step is above 0, not {step!r}")
    grid = on_grid(low, high, step, origin=low)
    if grid is None:
        raise at((*where, "min"), f"min {low!r} is above max {high!r}")
    return grid_or_log(made, name, grid, log=log)
