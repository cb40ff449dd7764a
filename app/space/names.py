"""What the parameters of a space are to its constraints: numbers, conditions, or choices that are equal or not."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np

from app.space.columns import JsonValue, is_number, level_key
from app.space.expressions import ChoiceName, NumberName, TruthName
from app.space.faults import show, suggestion
from app.space.parameters import Choice, Number, Parameter, normal
from app.space.paths import path_of
from app.space.syntax import Name


class BrokenParameter(Exception):
    """A constraint names a parameter whose own fault is already reported."""


def path_key(name: str) -> str:
    """Equal for all spellings of one input: `x` and `hyperparameters.x`, composed and decomposed accents."""
    return unicodedata.normalize("NFC", path_of(name))


class ConstraintNames:
    """Resolves names in constraints, and numbers the levels that they compare."""

    def __init__(self, by_path: Mapping[str, Sequence[Parameter | None]], known: Sequence[str]) -> None:
        self._by_path = by_path
        self._known = known
        self._found: dict[str, Name | str] = {}
        self._levels: dict[str, int] = {}

    def level_of(self, key: str) -> int:
        """The number of a level; the same level has the same number under every parameter."""
        return self._levels.setdefault(key, len(self._levels))

    def lookup(self, name: str) -> Name | str:
        """The parameter that a constraint may name so, or what is wrong. Raises: BrokenParameter."""
        path = path_key(name)
        if path not in self._by_path:
            return f"there is no parameter {show(name)}{suggestion(name, self._known)}"
        if path not in self._found:
            variants = [p for p in self._by_path[path] if p is not None]
            if len(variants) < len(self._by_path[path]):
                raise BrokenParameter
            self._found[path] = self._name(variants)
        return self._found[path]

    def _name(self, variants: Sequence[Parameter]) -> Name | str:
        name, keys = variants[0].name, tuple(p.key for p in variants)
        choices = [p for p in variants if isinstance(p, Choice)]
        kinds = {_kind(p) for p in variants}
        if len(choices) < len(variants) and kinds != {"number"}:
            return f"parameter {show(name)} is a number in one variant and a choice in another"
        levels = (
            {level_key(normal(c)): c for p in choices for c in p.choices} if len(choices) == len(variants) else None
        )
        if kinds == {"number"}:
            numbers = {p.key: np.array([*p.choices, np.nan], dtype=np.float64) for p in choices}
            return Name(name, keys, NumberName(keys, numbers), levels)
        if kinds == {"truth"}:
            truths = {p.key: np.array([*p.choices, -1], dtype=np.int64) for p in choices}
            return Name(name, keys, TruthName(keys, truths), levels)
        codes = {p.key: np.array([*map(self._level, p.choices), -1], dtype=np.int64) for p in choices}
        return Name(name, keys, ChoiceName(keys, codes), levels)

    def _level(self, choice: JsonValue) -> int:
        return self.level_of(level_key(normal(choice)))


def _kind(parameter: Parameter) -> str:
    if isinstance(parameter, Number) or all(is_number(choice) for choice in parameter.choices):
        return "number"
    return "truth" if all(isinstance(choice, bool) for choice in parameter.choices) else "choice"
