"""Vizier's StudySpec as protobuf's JSON, camelCase or snake_case: 64-bit integers are texts there.

A conditional parameter is listed under its parent, with the parent's values that activate it; the same id may stand
under several. Source: vizier/_src/service/study.proto.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.importers.spaces.translation import Spec, Translation, at, list_at, number_at, object_at

Path = tuple[str | int, ...]
_PARENTS: Final = ("parent_discrete_values", "parent_int_values", "parent_categorical_values")
_BOOLEANS: Final = {"True": True, "False": False}


def translate(document: Any) -> Translation:
    """A StudySpec, a Study that holds one, or the list of its parameters. Raises: CannotTranslate."""
    made = Translation()
    inner: Path = ()
    if isinstance(document, list):
        parameters, where = document, inner
    else:
        study = _snake(document, ())
        if "study_spec" in study:
            study, inner = _snake(study["study_spec"], ("study_spec",)), ("study_spec",)
        parameters, where = list_at(study.get("parameters"), *inner, "parameters"), (*inner, "parameters")
    for i, parameter in enumerate(parameters):
        _add(made, parameter, {}, (*where, i))
    return made


def _snake(value: Any, where: Path) -> dict[str, Any]:
    """An object with the names of the .proto file, which protobuf's JSON may write either way."""
    return {_snake_name(name): inner for name, inner in object_at(value, *where).items()}


def _snake_name(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _add(made: Translation, document: Any, when: Mapping[str, list[Any]], where: Path) -> None:
    parameter = _snake(document, where)
    name = parameter.get("parameter_id")
    if not isinstance(name, str):
        raise at((*where, "parameterId"), f"a text is needed, not {name!r}")
    is_boolean = parameter.get("external_type") == "AS_BOOLEAN"
    made.add(name, {"type": "bool"} if is_boolean else _spec(made, name, parameter, where), when)
    place = (*where, "conditionalParameterSpecs")
    for i, conditional in enumerate(list_at(parameter.get("conditional_parameter_specs") or [], *place)):
        place = (*where, "conditionalParameterSpecs", i)
        child = _snake(conditional, place)
        values = _parent_values(child, place, is_boolean)
        if "double_value_spec" in parameter:
            made.warn(name, "conditions on a continuous parameter are lost: what hangs on it is always active")
            _add(made, child.get("parameter_spec"), when, (*place, "parameterSpec"))
        else:
            _add(made, child.get("parameter_spec"), {**when, name: values}, (*place, "parameterSpec"))


def _parent_values(child: Mapping[str, Any], where: Path, is_boolean: bool) -> list[Any]:
    """The parent's values that activate the child. Raises: CannotTranslate."""
    for kind in _PARENTS:
        if kind in child:
            values = list_at(object_at(child[kind], *where, kind).get("values"), *where, kind, "values")
            if is_boolean:
                return [_BOOLEANS.get(str(value), value) for value in values]
            return (
                values if kind == "parent_categorical_values" else [_whole(number_at(v, *where, kind)) for v in values]
            )
    raise at(where, f"one of {', '.join(_PARENTS)} is needed")


def _whole(value: float) -> float:
    return int(value) if float(value).is_integer() else value


def _spec(made: Translation, name: str, parameter: Mapping[str, Any], where: Path) -> Spec:
    if "categorical_value_spec" in parameter:
        inner = object_at(parameter["categorical_value_spec"], *where, "categoricalValueSpec")
        return {
            "type": "categorical",
            "choices": list_at(inner.get("values"), *where, "categoricalValueSpec", "values"),
        }
    if "discrete_value_spec" in parameter:
        inner = object_at(parameter["discrete_value_spec"], *where, "discreteValueSpec")
        values = list_at(inner.get("values"), *where, "discreteValueSpec", "values")
        if len(values) > 1 and "LOG" in str(parameter.get("scale_type")):
            made.warn(name, "the scale of its discrete values is lost")
        return {
            "type": "ordinal",
            "choices": sorted(_whole(number_at(value, *where, "discreteValueSpec")) for value in values),
        }
    for kind, typ in (("double_value_spec", "float"), ("integer_value_spec", "int")):
        if kind in parameter:
            return _range(made, name, _snake(parameter[kind], (*where, kind)), parameter.get("scale_type"), typ, where)
    raise at(where, "a value spec is needed: double, integer, discrete or categorical")


def _range(made: Translation, name: str, bounds: Mapping[str, Any], scale: Any, typ: str, where: Path) -> Spec:
    """Protobuf's JSON leaves out a bound that is 0."""
    low, high = number_at(bounds.get("min_value", 0), *where), number_at(bounds.get("max_value", 0), *where)
    if scale == "UNIT_REVERSE_LOG_SCALE":
        made.warn(name, "a reverse logarithmic scale became a linear one")
    log = scale == "UNIT_LOG_SCALE"
    if log and low <= 0:
        made.warn(name, "a logarithmic scale that begins at or below 0 became a linear one")
    return {"type": typ, "low": low, "high": high} | ({"log": True} if log and low > 0 else {})
