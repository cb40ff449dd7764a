"""Entries back to configurations: where a constraint cuts through a cell, one of its values that keeps the constraint.

A combination of entries is a box. Its middle is tried first, then points spread over it, the same in every box; if none
keeps the constraints and interval arithmetic cannot say that none does, the box is *unresolved*, and its score bounds
what may have been missed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.search.axes import Axis
from app.space import Columns, Number
from app.space.columns import BoolArray, Column, FloatArray, IntArray, NumericColumn, numbers
from app.space.expressions import Constraint
from app.space.intervals import may_hold

ATTEMPTS = 64
"""Points tried in a box: half of them corners, where a constraint that holds somewhere in the box is likeliest to."""


class Inhabitants:
    """Which combinations of entries have a configuration that keeps some constraints, and which one."""

    def __init__(self, axes: Sequence[Axis], constraints: Sequence[Constraint]) -> None:
        self._axes, self._constraints = axes, constraints
        self._in_cells = frozenset(key for axis in axes if axis.has_cells for key in axis.columns)
        self._points = _points(len(axes), ATTEMPTS if self._in_cells else 1)
        self.unresolved = -np.inf

    def exist(self, entries: IntArray, scores: FloatArray) -> BoolArray:
        """Which boxes have one (m,). Shapes: entries (m, axes), scores (m,)."""
        attempt = self._attempts(entries)
        lost = np.flatnonzero(attempt < 0)
        if self._in_cells and len(lost):
            possible = self._possible(entries[lost])
            self.unresolved = max(self.unresolved, float(scores[lost[possible]].max(initial=-np.inf)))
        return attempt >= 0

    def columns(self, entries: IntArray) -> Columns:
        """One configuration of each box that has one. Shapes: entries (m, axes)."""
        return self._at(entries, self._points[self._attempts(entries)])

    def _attempts(self, entries: IntArray) -> IntArray:
        """The first point of each box that keeps the constraints (m,), -1 where none does."""
        attempt = np.full(len(entries), -1)
        for t, point in enumerate(self._points):
            left = np.flatnonzero(attempt < 0)
            if not len(left):
                break
            columns = self._at(entries[left], np.broadcast_to(point, (len(left), len(point))))
            kept = np.ones(len(left), dtype=np.bool_)
            for constraint in self._constraints:
                kept &= constraint.holds(columns)
            attempt[left[kept]] = t
        return attempt

    def _possible(self, entries: IntArray) -> BoolArray:
        low, high = (
            {k: c.take(entries[:, a]) for a, x in enumerate(self._axes) for k, c in getattr(x, which).items()}
            for which in ("low", "high")
        )
        possible: BoolArray = np.logical_and.reduce(
            [c.holds(low) if c.keys.isdisjoint(self._in_cells) else may_hold(c, low, high) for c in self._constraints]
        )
        return possible

    def _at(self, entries: IntArray, points: FloatArray) -> dict[str, Column]:
        """Configurations at points of boxes. Shapes: entries and points (m, axes), points in [0, 1]."""
        found: dict[str, Column] = {}
        for a, axis in enumerate(self._axes):
            rows = entries[:, a]
            for p in axis.variants:
                if isinstance(p, Number) and axis.has_cells:
                    found[p.key] = _inside(p, axis.low[p.key].take(rows), axis.high[p.key].take(rows), points[:, a])
                else:
                    found[p.key] = axis.columns[p.key].take(rows)
        return found


def _inside(parameter: Number, low: Column, high: Column, point: FloatArray) -> NumericColumn:
    """Values between two ends, on the parameter's own scale; absent where these are."""
    unit_low, unit_high = parameter.to_unit(low), parameter.to_unit(high)
    absent = np.isnan(unit_low)
    unit = np.where(absent, 0.5, unit_low + point * (unit_high - unit_low))
    values = np.clip(numbers(parameter.from_unit(unit)), numbers(low), numbers(high))
    return NumericColumn(np.where(absent, np.nan, values))


def _points(n: int, count: int) -> FloatArray:
    """Points of the unit cube (count, n): the middle, then corners and others in turn, always the same."""
    rng = np.random.default_rng(0)
    points = rng.uniform(size=(count, n))
    points[1::2] = np.rint(points[1::2])
    points[0] = 0.5
    return points
