"""What a constraint means: a tree of nodes over parameter names, evaluated on columns, never executed as code.

Numbers are float64 arrays (n,) in which NaN says *cannot be evaluated* (a division by zero, an overflow, the logarithm
of a negative number). Booleans are pairs of masks, so that such a row is neither true nor false (Kleene's logic):
`x == 0 or 1 / x > 2` is true at x = 0, and a constraint that is not true in the end does not hold.

Comparisons of numbers allow for rounding: two numbers are equal within eight units in the last place, so that
0.1 + 0.2 == 0.3; `<` and `>` are false for such a pair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

import numpy as np

from app.space.columns import BoolArray, Columns, FloatArray, IntArray, NumericColumn, codes, n_rows, present

ROUNDING = 8 * float(np.finfo(np.float64).eps)


class Truth(NamedTuple):
    """Where (n,) something is true, and where it is false; neither where it cannot be evaluated."""

    yes: BoolArray
    no: BoolArray


# ---------------------------------------------------------------- numbers


@dataclass(frozen=True)
class Literal:
    """A number in the text."""

    value: float

    def numbers(self, columns: Columns) -> FloatArray:
        return np.full(n_rows(columns), self.value)


@dataclass(frozen=True, eq=False)
class NumberName:
    """A parameter whose values are numbers; `tables` (levels + 1,) turn the codes of listed numbers into them."""

    keys: tuple[str, ...]
    tables: Mapping[str, FloatArray]

    def numbers(self, columns: Columns) -> FloatArray:
        parts = [self._variant(key, columns) for key in self.keys]
        values = parts[0]
        for part in parts[1:]:
            values = np.where(np.isnan(values), part, values)
        return values

    def _variant(self, key: str, columns: Columns) -> FloatArray:
        column = columns[key]
        return column.values if isinstance(column, NumericColumn) else self.tables[key][column.codes]


@dataclass(frozen=True)
class Arithmetic:
    """A function of numbers applied from left to right: `a + b - c` is one node, however long."""

    first: NumberNode
    rest: tuple[tuple[Callable[..., FloatArray], NumberNode], ...]

    def numbers(self, columns: Columns) -> FloatArray:
        values = self.first.numbers(columns)
        for function, node in self.rest:
            values = evaluable(function(values, node.numbers(columns)))
        return values


@dataclass(frozen=True)
class Function:
    """A function of one number: a sign, an absolute value, a logarithm."""

    function: Callable[..., FloatArray]
    argument: NumberNode

    def numbers(self, columns: Columns) -> FloatArray:
        return evaluable(self.function(self.argument.numbers(columns)))


NumberNode: TypeAlias = Literal | NumberName | Arithmetic | Function


def evaluable(values: FloatArray) -> FloatArray:
    """Infinities become NaN at once: 1 / (1 / 0) is not 0."""
    return np.where(np.isfinite(values), values, np.nan)


def power(base: FloatArray, exponent: FloatArray) -> FloatArray:
    """The power, without the exceptions nan ** 0 = 1 and 1 ** nan = 1."""
    return np.where(np.isnan(base) | np.isnan(exponent), np.nan, np.power(base, exponent))


# ---------------------------------------------------------------- choices


@dataclass(frozen=True, eq=False)
class ChoiceName:
    """A parameter whose values are only equal or different; `tables` (levels + 1,) give each level its number."""

    keys: tuple[str, ...]
    tables: Mapping[str, IntArray]

    def levels(self, columns: Columns) -> IntArray:
        parts = [self.tables[key][codes(columns[key])] for key in self.keys]
        return parts[0] if len(parts) == 1 else np.maximum.reduce(parts)


@dataclass(frozen=True)
class ChoiceLiteral:
    """A string, number, boolean or null in the text that is compared with choices."""

    level: int

    def levels(self, columns: Columns) -> IntArray:
        return np.full(n_rows(columns), self.level)


ChoiceNode: TypeAlias = ChoiceName | ChoiceLiteral


# ---------------------------------------------------------------- truths


@dataclass(frozen=True)
class TruthLiteral:
    value: bool

    def truth(self, columns: Columns) -> Truth:
        mask = np.full(n_rows(columns), self.value)
        return Truth(mask, ~mask)


@dataclass(frozen=True, eq=False)
class TruthName:
    """A boolean parameter as a condition; `tables` (levels + 1,) are 1 for true, 0 for false, -1 for absent."""

    keys: tuple[str, ...]
    tables: Mapping[str, IntArray]

    def truth(self, columns: Columns) -> Truth:
        values = np.maximum.reduce([self.tables[key][codes(columns[key])] for key in self.keys])
        return Truth(values == 1, values == 0)


@dataclass(frozen=True)
class Comparison:
    """`a < b <= c`: every neighbouring pair compares."""

    first: NumberNode
    rest: tuple[tuple[str, NumberNode], ...]

    def truth(self, columns: Columns) -> Truth:
        left = self.first.numbers(columns)
        truths: list[Truth] = []
        for operator, node in self.rest:
            right = node.numbers(columns)
            truths.append(_compare(operator, left, right))
            left = right
        return _all(truths)


@dataclass(frozen=True)
class SameChoice:
    """Whether two choices are equal (or, with `different`, not)."""

    left: ChoiceNode
    right: ChoiceNode
    different: bool

    def truth(self, columns: Columns) -> Truth:
        mask = (self.left.levels(columns) == self.right.levels(columns)) ^ self.different
        return Truth(mask, ~mask)


@dataclass(frozen=True)
class SameTruth:
    """Whether two conditions are both true or both false (or, with `different`, exactly one is true)."""

    left: TruthNode
    right: TruthNode
    different: bool

    def truth(self, columns: Columns) -> Truth:
        a, b = self.left.truth(columns), self.right.truth(columns)
        same, unlike = (a.yes & b.yes) | (a.no & b.no), (a.yes & b.no) | (a.no & b.yes)
        return Truth(unlike, same) if self.different else Truth(same, unlike)


@dataclass(frozen=True)
class Not:
    node: TruthNode

    def truth(self, columns: Columns) -> Truth:
        inner = self.node.truth(columns)
        return Truth(inner.no, inner.yes)


@dataclass(frozen=True)
class All:
    nodes: tuple[TruthNode, ...]

    def truth(self, columns: Columns) -> Truth:
        return _all([node.truth(columns) for node in self.nodes])


@dataclass(frozen=True)
class Any:
    nodes: tuple[TruthNode, ...]

    def truth(self, columns: Columns) -> Truth:
        none = _all([Not(node).truth(columns) for node in self.nodes])
        return Truth(none.no, none.yes)


TruthNode: TypeAlias = TruthLiteral | TruthName | Comparison | SameChoice | SameTruth | Not | All | Any
Node: TypeAlias = NumberNode | ChoiceNode | TruthNode


def _all(truths: list[Truth]) -> Truth:
    if len(truths) == 1:
        return truths[0]
    return Truth(np.logical_and.reduce([t.yes for t in truths]), np.logical_or.reduce([t.no for t in truths]))


def _compare(operator: str, a: FloatArray, b: FloatArray) -> Truth:
    known = ~(np.isnan(a) | np.isnan(b))
    equal = np.abs(a - b) <= ROUNDING * np.maximum(np.abs(a), np.abs(b))
    match operator:
        case "==" | "!=":
            result = equal
        case "<" | ">=":
            result = (a < b) & ~equal
        case _:  # ">" and "<="
            result = (a > b) & ~equal
    if operator in {"!=", ">=", "<="}:
        result = ~result
    return Truth(known & result, known & ~result)


# ---------------------------------------------------------------- the whole


@dataclass(frozen=True, eq=False)
class Constraint:
    """An expression that must hold. It holds where a parameter that it names is inactive."""

    root: TruthNode
    variants: Mapping[str, tuple[str, ...]]  # column keys of each parameter that it names
    text: str
    pointer: str

    @cached_property
    def keys(self) -> frozenset[str]:
        return frozenset(key for keys in self.variants.values() for key in keys)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.variants)

    def holds(self, columns: Columns) -> BoolArray:
        """(n,) where the configuration is allowed."""
        with np.errstate(all="ignore"):
            result = self.root.truth(columns).yes
        for keys in self.variants.values():
            result = result | ~np.logical_or.reduce([present(columns[key]) for key in keys])
        return result
