"""One named dimension of a search space: its values, its unit scale and its grid.

Every parameter lives on three scales. *value*: what a configuration holds. *index*: 0..count-1 along the grid of a
finite parameter. *unit*: [0, 1], uniform under the parameter's own distribution (logarithmic where `log`).

Shapes: all arrays (n,); index -1 and an absent row (NaN, code -1) stand for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Literal, TypeAlias, TypeGuard

import numpy as np

from app.space.columns import (
    CodedColumn,
    Column,
    FloatArray,
    IntArray,
    JsonValue,
    NumericColumn,
    codes,
    is_number,
    level_key,
    numbers,
)
from app.space.conditions import Accepted, Condition
from app.space.paths import leaves, path_of

LARGEST_EXACT = 2.0**53
MAX_TABLE = 2**16
"""Grid points that are looked up instead of computed."""
GRID_TOLERANCE = 1e-6
"""In steps: a value this near to a grid point is that point (0.30000000000000004 is 0.3)."""


@dataclass(frozen=True)
class Number:
    """A float or int parameter between inclusive bounds, on a linear or logarithmic scale, with or without a grid."""

    name: str
    key: str  # of its column: the name, made unique where several variants share the name
    low: float
    high: float
    integer: bool = False
    log: bool = False
    step: float | None = None  # of the grid; None is continuous; an int always has one
    when: Condition = ()

    @property
    def path(self) -> str:
        return path_of(self.name)

    @cached_property
    def count(self) -> int | None:
        """How many values there are; None for a continuum."""
        if self.low == self.high:
            return 1
        if self.step is None:
            return None
        if self.integer:
            return (int(self.high) - int(self.low)) // int(self.step) + 1
        # as they are written: 0.3 is three steps of 0.1, and a bound that falls short of a grid point excludes it
        low, high, step = (Fraction(repr(x)) for x in (self.low, self.high, self.step))
        return int((high - low) / step) + 1

    @cached_property
    def _digits(self) -> int | None:
        """Decimals that low and step are written with: grid points are rounded to them, so that 3 x 0.1 is 0.3."""
        exponents = [Decimal(repr(x)).as_tuple().exponent for x in (self.low, self.step or 0.0)]
        digits = max(-e if isinstance(e, int) else 0 for e in exponents)
        exact = max(abs(self.low), abs(self.high)) * 10.0**digits < LARGEST_EXACT if digits <= 15 else False
        return max(digits, 0) if exact else None

    def at(self, index: IntArray) -> NumericColumn:
        """The values at grid indices."""
        assert self.count is not None, "a continuum has no grid"
        if self.count <= min(len(index), MAX_TABLE):
            return NumericColumn(self._table[index])
        return NumericColumn(self._points(index))

    @cached_property
    def _table(self) -> FloatArray:
        """All grid points, and NaN for index -1."""
        return np.append(self._points(np.arange(self.count or 0)), np.nan)

    def _points(self, index: IntArray) -> FloatArray:
        values = self.low + index * (self.step or 0.0)
        if not self.integer and self._digits is not None:
            values = np.round(values, self._digits)
        return np.where(index < 0, np.nan, np.minimum(values, self.high))

    def from_unit(self, unit: FloatArray) -> NumericColumn:
        """The values at points of [0, 1]; every grid point has an equal share (of the logarithm, if log)."""
        if self.count == 1:
            return NumericColumn(np.full(len(unit), self.low))
        if self.count is not None and not self.log:
            index = np.minimum((unit * self.count).astype(np.int64), self.count - 1)
            return self.at(index)
        low, high = self._edges
        values = np.exp(np.log(low) + unit * np.log(high / low)) if self.log else low + unit * (high - low)
        values = np.rint(values) if self.integer else values
        return NumericColumn(np.clip(values, self.low, self.high))

    def to_unit(self, column: Column) -> FloatArray:
        """Where in [0, 1] values lie; the middle of its share for a grid point."""
        if self.count == 1:
            return np.full(len(column), 0.5)
        values = numbers(column)
        if self.count is not None and not self.log:
            return ((values - self.low) / (self.step or 1.0) + 0.5) / self.count
        low, high = self._edges
        return np.log(values / low) / np.log(high / low) if self.log else (values - low) / (high - low)

    @property
    def _edges(self) -> tuple[float, float]:
        """Bounds of the continuum that is rounded to this parameter.

        Half a unit wider for an int, so that its first and last value get a full share.
        """
        return (self.low - 0.5, self.high + 0.5) if self.integer else (self.low, self.high)

    def perturb(self, column: Column, scale: float, rng: np.random.Generator) -> NumericColumn:
        """Values a gaussian step away (`scale` on the unit scale, reflected at the ends); never the same grid point."""
        before = numbers(column)
        step = rng.normal(0.0, scale, len(before))
        unit = np.abs(self.to_unit(column) + step) % 2.0
        after = numbers(self.from_unit(np.where(unit > 1.0, 2.0 - unit, unit)))
        if self.step is None or self.count == 1:
            return NumericColumn(after)
        up = np.where(after == before, np.where(step < 0, -1.0, 1.0), 0.0) * self.step
        index = np.rint((after + up - self.low) / self.step)
        count = self.count or 1
        index = np.where(index < 0, min(1, count - 1), np.where(index >= count, max(count - 2, 0), index))
        return self.at(index.astype(np.int64))

    def read(self, values: Sequence[JsonValue]) -> NumericColumn:
        """Python values as a column; absent where one is not of this parameter."""
        raw = np.array([float(v) if _is_finite_number(v) else np.nan for v in values])
        raw = np.where((raw >= self.low) & (raw <= self.high), raw + 0.0, np.nan)
        if self.step is None:
            return NumericColumn(raw)
        steps = (raw - self.low) / self.step
        nearest = np.nan_to_num(np.rint(steps), nan=-1.0)
        nearest[nearest >= (self.count or 0)] = -1.0  # past the last point: `high` need not be one
        point = numbers(self.at(nearest.astype(np.int64)))
        return NumericColumn(np.where((raw == point) | (np.abs(steps - nearest) <= GRID_TOLERANCE), point, np.nan))

    def index(self, column: Column) -> IntArray:
        """Grid indices of values."""
        steps = (numbers(column) - self.low) / (self.step or 1.0)
        return np.nan_to_num(np.rint(steps), nan=-1.0).astype(np.int64)

    def value(self, column: Column, row: int) -> JsonValue:
        """The value of one row as JSON."""
        value = float(numbers(column)[row])
        return int(value) if self.integer else value

    def accepts(self, values: Sequence[JsonValue]) -> Accepted:
        """The test that a column is one of these values; those that are not of this parameter are left out."""
        found = numbers(self.read(values))
        listed: FloatArray = found[~np.isnan(found)]
        return listed


@dataclass(frozen=True)
class Choice:
    """A parameter that is one of listed values: categorical, ordinal (neighbours are near), bool or constant."""

    name: str
    key: str
    choices: tuple[JsonValue, ...]
    kind: Literal["categorical", "ordinal", "bool", "constant"] = "categorical"
    when: Condition = ()

    @property
    def path(self) -> str:
        return path_of(self.name)

    @property
    def count(self) -> int:
        return len(self.choices)

    @cached_property
    def code_of(self) -> dict[str, int]:
        """Code by level key. An object is known by its leaves, as a run that was posted nested or dotted gives them."""
        return {level_key(normal(choice)): code for code, choice in enumerate(self.choices)}

    @cached_property
    def has_objects(self) -> bool:
        return any(isinstance(choice, dict) and choice for choice in self.choices)

    def _column(self, index: IntArray) -> CodedColumn:
        return CodedColumn(index.astype(np.int32), self.choices)

    def at(self, index: IntArray) -> CodedColumn:
        return self._column(index)

    def from_unit(self, unit: FloatArray) -> CodedColumn:
        return self._column(np.minimum((unit * self.count).astype(np.int64), self.count - 1))

    def perturb(self, column: Column, scale: float, rng: np.random.Generator) -> CodedColumn:
        """Another choice: a near one by a gaussian step if ordinal, else any."""
        before = codes(column).astype(np.int64)
        if self.count == 1:
            return self._column(before)
        if self.kind != "ordinal":
            return self._column((before + 1 + rng.integers(0, self.count - 1, len(before))) % self.count)
        step = rng.normal(0.0, scale * self.count, len(before))
        step = np.where(step < 0, np.floor(step), np.ceil(step)).astype(np.int64)
        after = np.clip(before + step, 0, self.count - 1)
        inward = np.where(before == 0, 1, before - 1)
        return self._column(np.where(after == before, inward, after))

    def read(self, values: Sequence[JsonValue]) -> CodedColumn:
        found = [self.code_of.get(level_key(normal(value)), -1) for value in values]
        return CodedColumn(np.array(found, dtype=np.int32).reshape(-1), self.choices)

    def index(self, column: Column) -> IntArray:
        return codes(column).astype(np.int64)

    def value(self, column: Column, row: int) -> JsonValue:
        return self.choices[int(codes(column)[row])]

    def accepts(self, values: Sequence[JsonValue]) -> Accepted:
        table = np.zeros(self.count + 1, dtype=np.bool_)
        table[codes(self.read(values))] = True
        table[-1] = False
        return table


Parameter: TypeAlias = Number | Choice


def normal(value: JsonValue) -> JsonValue:
    """An object as its dotted leaves, so that nested and dotted spellings are equal; anything else as it is."""
    return dict(leaves(value)) if isinstance(value, dict) and value else value


def _is_finite_number(value: JsonValue) -> TypeGuard[int | float]:
    return is_number(value) and abs(value) <= 1e300
