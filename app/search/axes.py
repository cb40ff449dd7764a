"""A search space as finitely many entries per parameter: its values, or cells of values that no tree tells apart.

axis   one named parameter with all its variants; its W entries are the values of each variant in turn, and last, where
       all variants are conditional, its absence
cell   an entry that stands for all values from `low` to `high`: a parameter with more values than can be listed is cut
       at every border that a tree compares it with, so that no cell has values of different scores. The entry's own
       value is the middle of the cell on the parameter's scale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.featurise.encoder import Encoder, scaled
from app.featurise.featuriser import Featuriser
from app.learn.trees import Trees
from app.search.grid import Dimension, Grid
from app.space import Columns, Number, Parameter, SearchSpace
from app.space.columns import (
    CodedColumn,
    Column,
    Float32Array,
    FloatArray,
    IntArray,
    NumericColumn,
    n_rows,
    numbers,
)

MAX_LISTED = 4_096
"""Values of one parameter that are entries of their own; beyond, neighbours of equal score share one."""

Encode = Callable[[Columns], Float32Array]
"""Configurations as columns by parameter key -> X (n, d)."""
Positions = Callable[[IntArray], FloatArray]
"""Whole numbers in ascending order -> the values at them, ascending."""


class NotSeparable(Exception):
    """Two parameters write to the same input, so that none of them has entries of its own."""


@dataclass(frozen=True, eq=False)
class Axis:
    """One named parameter.

    Shapes: columns by key of a variant, W entries each, absent where the entry is another variant's or none's; so are
    low and high, the ends of the cells.
    """

    variants: tuple[Parameter, ...]
    columns: Columns
    low: Columns
    high: Columns

    def __len__(self) -> int:
        return n_rows(self.columns)

    @property
    def has_cells(self) -> bool:
        """Whether an entry stands for more than one value."""
        return any(
            isinstance(p, Number) and not np.array_equal(numbers(self.low[p.key]), numbers(self.high[p.key]), True)
            for p in self.variants
        )


def make_axes(space: SearchSpace, featuriser: Featuriser, trees: Trees) -> list[Axis]:
    """The axes of a space, in the order in which its names are declared."""
    names: dict[str, list[Parameter]] = {}
    for parameter in space.parameters:
        names.setdefault(parameter.name, []).append(parameter)
    borders = _borders(featuriser, trees)
    return [_axis(variants, borders.get(variants[0].path, [])) for variants in names.values()]


Borders = list[tuple[Encoder, Float32Array]]
"""Encoders of numbers at a path, each with the borders that trees compare its feature with."""


def _borders(featuriser: Featuriser, trees: Trees) -> Mapping[str, Borders]:
    found: dict[str, Borders] = {}
    for j, encoder in enumerate(featuriser.encoders):
        feature = encoder.feature
        if feature.kind != "dataset" and feature.encoding in ("number", "log") and encoder.statistic is None:
            found.setdefault(feature.path, []).append((encoder, np.unique(trees.border[trees.feature == j])))
    return found


def _axis(variants: Sequence[Parameter], borders: Borders) -> Axis:
    parts = [_entries(parameter, borders) for parameter in variants]
    n_absent = int(all(parameter.when for parameter in variants))
    counts = [len(middle) for middle, _, _ in parts]
    before = np.cumsum([0, *counts])
    total = int(before[-1]) + n_absent
    ends = []
    for which in range(3):
        rows = [np.full(total, -1) for _ in variants]
        for i in range(len(variants)):
            rows[i][before[i] : before[i + 1]] = np.arange(counts[i])
        ends.append({p.key: _at(parts[i][which], rows[i]) for i, p in enumerate(variants)})
    return Axis(tuple(variants), *ends)


def _at(column: Column, rows: IntArray) -> Column:
    """The column's rows, absent at -1."""
    if isinstance(column, CodedColumn):
        return CodedColumn(np.append(column.codes, np.int32(-1))[rows], column.levels)
    return NumericColumn(np.append(column.values, np.nan)[rows])


def _entries(parameter: Parameter, borders: Borders) -> tuple[Column, Column, Column]:
    """The values of a parameter, or its cells: their middles and ends."""
    if parameter.count is not None and parameter.count <= MAX_LISTED:
        values = parameter.at(np.arange(parameter.count))
        return values, values, values
    assert isinstance(parameter, Number), "choices are always listed"
    low, high = map(NumericColumn, _cells(parameter, borders))
    middle = (parameter.to_unit(low) + parameter.to_unit(high)) / 2
    inside = np.clip(numbers(parameter.from_unit(middle)), low.values, high.values)
    return NumericColumn(inside), low, high


def _cells(parameter: Number, borders: Borders) -> tuple[FloatArray, FloatArray]:
    """The lowest and the highest value of each cell, ascending."""
    lows, highs = [], []
    for start, stop, value_at in _pieces(parameter):
        cuts = [np.array([start])]
        for encoder, of_encoder in borders:
            cuts.append(_first_above(encoder, of_encoder, start, stop, value_at))
        first = np.unique(np.concatenate(cuts))
        first = first[first < stop]
        lows.append(value_at(first))
        highs.append(value_at(np.append(first[1:], stop) - 1))
    return np.concatenate(lows), np.concatenate(highs)


def _first_above(encoder: Encoder, borders: Float32Array, start: int, stop: int, value_at: Positions) -> IntArray:
    """For each border the first position of start..stop-1 whose feature lies above it, by bisection; stop if none."""
    low, high = np.full(len(borders), start), np.full(len(borders), stop)
    while (low < high).any():
        middle = low + (high - low) // 2
        above = scaled(encoder, value_at(np.minimum(middle, stop - 1))) > borders
        high = np.where(above & (low < high), middle, high)
        low = np.where(above | (low >= high), low, middle + 1)
    return low


def _pieces(parameter: Number) -> list[tuple[int, int, Positions]]:
    """Ranges of positions on which every encoder ascends: on a log scale zero and less may read as more than a little.

    Positions are grid indices or, in a continuum, the float64 numbers counted in ascending order.
    """
    if parameter.count is not None:
        zero = int(np.clip(np.floor(-parameter.low / (parameter.step or 1.0)) + 1, 0, parameter.count))
        ranges = [(0, zero), (zero, parameter.count)]
        return [(a, b, lambda index: numbers(parameter.at(index))) for a, b in ranges if a < b]
    first, last = (int(_rank(np.array([bound]))[0]) for bound in (parameter.low, parameter.high))
    ranges = [(first, min(last, -1) + 1), (max(first, 0), min(last, 0) + 1), (max(first, 1), last + 1)]
    return [(a, b, _float_at) for a, b in ranges if a < b]


def _rank(values: FloatArray) -> IntArray:
    """The float64 numbers between zero and each value, negative below zero."""
    bits = (values + 0.0).view(np.int64)
    return np.where(bits >= 0, bits, np.iinfo(np.int64).min - bits)


def _float_at(rank: IntArray) -> FloatArray:
    """The inverse of `_rank`."""
    magnitudes = np.abs(rank).view(np.float64)
    return np.where(rank < 0, -magnitudes, magnitudes)


def columns_at(axes: Sequence[Axis], entries: IntArray) -> dict[str, Column]:
    """Configurations as columns. Shapes: entries (n, axes)."""
    return {key: c.take(entries[:, a]) for a, axis in enumerate(axes) for key, c in axis.columns.items()}


def make_grid(axes: Sequence[Axis], encode: Encode) -> Grid:
    """What every entry sets in X. Raises: NotSeparable."""
    widths = [len(axis) for axis in axes]
    ends = np.cumsum(widths)
    rows = np.full((int(ends[-1]) + 1, len(axes)), -1)  # the last row has nothing
    for a, (end, width) in enumerate(zip(ends.tolist(), widths, strict=True)):
        rows[end - width : end, a] = np.arange(width)
    X = encode({key: _at(c, rows[:, a]) for a, axis in enumerate(axes) for key, c in axis.columns.items()})
    x = X[-1]
    differs = (x != X) & ~(np.isnan(X) & np.isnan(x))
    dimensions = []
    taken = np.zeros(X.shape[1], dtype=np.bool_)
    for end, width in zip(ends.tolist(), widths, strict=True):
        touched = differs[end - width : end].any(axis=0)
        if (touched & taken).any():
            raise NotSeparable
        taken |= touched
        features = np.flatnonzero(touched)
        dimensions.append(Dimension(features, X[end - width : end, features]))
    return Grid(tuple(dimensions), x)
