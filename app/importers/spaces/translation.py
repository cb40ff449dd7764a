"""A search space of ours, made from a foreign one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.errors import Fault, InvalidSearchSpace, pointer
from app.importers.recover import LARGEST, recovered
from app.space import parse_search_space
from app.space.columns import is_number

Spec = dict[str, Any]


class CannotTranslate(InvalidSearchSpace):
    """The document is no search space of its kind, or one that ours cannot hold."""


@dataclass(slots=True)
class Translation:
    """The space, as `POST /v1/recommend` takes it, and what the foreign one said beyond that."""

    parameters: list[Spec] = field(default_factory=list)
    forbidden: list[dict[str, Any]] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, name: str, spec: Spec, when: Mapping[str, Any] | None = None) -> None:
        self.parameters.append({"name": name, **spec, **({"when": dict(when)} if when else {})})

    def warn(self, name: str, message: str) -> None:
        """Something of a parameter is lost, told once."""
        if (warning := f"{name}: {message}") not in self.warnings:
            self.warnings.append(warning)

    def document(self) -> dict[str, Any]:
        """The space; a map of parameters where no name repeats."""
        names = [spec["name"] for spec in self.parameters]
        made: dict[str, Any] = {"parameters": self.parameters}
        if len(set(names)) == len(names):
            unnamed = [{key: value for key, value in spec.items() if key != "name"} for spec in self.parameters]
            made = {"parameters": dict(zip(names, unnamed, strict=True))}
        made |= {"forbidden": self.forbidden} if self.forbidden else {}
        return made | ({"constraints": self.constraints} if self.constraints else {})

    def checked(self) -> Translation:
        """Itself, once our own reader has taken it. Raises: InvalidSearchSpace."""
        parse_search_space(self.document())
        return self


def at(where: tuple[str | int, ...], message: str) -> CannotTranslate:
    """What is wrong, and where in the foreign document."""
    place = pointer(*where)
    return CannotTranslate(f"{place or 'the document'}: {message}", [Fault(place, message)])


def number_at(value: Any, *where: str | int) -> float:
    """A bound; texts that are numbers are taken for them. Raises: CannotTranslate."""
    number = recovered(value)
    if not is_number(number) or abs(number) > LARGEST:
        raise at(where, f"a number is needed, not {value!r}"[:200])
    return number


def object_at(value: Any, *where: str | int) -> dict[str, Any]:
    """Raises: CannotTranslate."""
    if not isinstance(value, dict):
        raise at(where, f"an object is needed, not {value!r}"[:200])
    return value


def list_at(value: Any, *where: str | int) -> list[Any]:
    """Raises: CannotTranslate."""
    if not isinstance(value, (list, tuple)):
        raise at(where, f"a list is needed, not {value!r}"[:200])
    return list(value)
