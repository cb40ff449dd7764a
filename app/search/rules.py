"""What a space's conditions, forbidden clauses and constraints exclude, as tables of 0 and -inf over entries.

A condition couples a parameter with its parents: it is there exactly where they say so. With these tables a conditional
space is one product of axes, however many branches it has. A constraint over few entries is listed; of one over many
only what lies inside one cell or entry each is known when the search arrives there, and then it is asked itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.search.axes import Axis, columns_at
from app.space import Columns, SearchSpace
from app.space.columns import BoolArray, FloatArray, IntArray, present
from app.space.conditions import Condition
from app.space.expressions import Constraint
from app.space.intervals import may_hold

MAX_TABLE = 1_000_000
"""Combinations of entries up to which a rule is listed: 20 ms or so of expressions."""
MAX_AXES = 16
"""Parameters of one condition or forbidden clause: its table has two entries for each."""


class TooCoupled(Exception):
    """A rule couples more parameters than a table can hold."""


@dataclass(frozen=True, eq=False)
class Table:
    """0 where entries may stand together, -inf where not. Shapes: maps[j] (W,) class of each entry of axis scope[j]."""

    scope: tuple[int, ...]
    maps: tuple[IntArray, ...]
    table: FloatArray


def rule_tables(space: SearchSpace, axes: Sequence[Axis]) -> tuple[list[Table], list[Constraint]]:
    """The rules as tables, and the constraints that no table (or none alone) can decide.

    Raises: TooCoupled.
    """
    axis_of = {parameter.key: a for a, axis in enumerate(axes) for parameter in axis.variants}
    tables = []
    for a, axis in enumerate(axes):
        for parameter in axis.variants:
            own = present(axis.columns[parameter.key])
            if not own.all():
                tables.append(_condition_table(a, own, _memberships(parameter.when, axes, axis_of)))
    tables += [_all_together(_memberships(clause.condition, axes, axis_of)) for clause in space.forbidden]
    open_constraints = []
    for constraint in space.constraints:
        table, decided = _constraint_table(constraint, axes, axis_of)
        tables += table
        if not decided:
            open_constraints.append(constraint)
    return [table for table in tables if np.isneginf(table.table).any()], open_constraints


def _memberships(condition: Condition, axes: Sequence[Axis], axis_of: Mapping[str, int]) -> dict[int, BoolArray]:
    """Which entries (W,) of each axis the condition accepts."""
    found: dict[int, BoolArray] = {}
    for membership in condition:
        a = axis_of[next(iter(membership.accepted))]
        found[a] = found.get(a, np.True_) & membership.holds(axes[a].columns)
    if len(found) > MAX_AXES:
        raise TooCoupled
    return found


def _condition_table(a: int, own: BoolArray, parents: Mapping[int, BoolArray]) -> Table:
    """The entries of one variant stand with parents that all accept, and all others with parents that do not."""
    scope = tuple(sorted([a, *parents]))
    maps = tuple((own if d == a else parents[d]).astype(np.int64) for d in scope)
    active = np.zeros((2,) * len(scope), dtype=np.bool_)
    active[tuple(slice(None) if d == a else 1 for d in scope)] = True
    is_own = np.zeros_like(active)
    is_own[tuple(1 if d == a else slice(None) for d in scope)] = True
    return Table(scope, maps, np.where(active == is_own, 0.0, -np.inf))


def _all_together(accepted: Mapping[int, BoolArray]) -> Table:
    """What every axis accepts is excluded together."""
    scope = tuple(sorted(accepted))
    table = np.zeros((2,) * len(scope))
    table[(1,) * len(scope)] = -np.inf
    return Table(scope, tuple(accepted[d].astype(np.int64) for d in scope), table)


def _constraint_table(
    constraint: Constraint, axes: Sequence[Axis], axis_of: Mapping[str, int]
) -> tuple[list[Table], bool]:
    """The table of a constraint, if it has few enough entries, and whether it says all there is to say."""
    scope = tuple(sorted({axis_of[key] for key in constraint.keys}))
    sizes = [len(axes[a]) for a in scope]
    if np.prod(sizes, dtype=np.float64) > MAX_TABLE:
        return [], False
    entries = np.indices(sizes).reshape(len(sizes), -1).T
    involved = [axes[a] for a in scope]
    cells = any(axis.has_cells for axis in involved)
    if cells:
        allowed = may_hold(constraint, _ends(involved, entries, "low"), _ends(involved, entries, "high"))
    else:
        allowed = constraint.holds(columns_at(involved, entries))
    return [_compressed(scope, allowed.reshape(sizes))], not cells


def _ends(axes: Sequence[Axis], entries: IntArray, which: str) -> Columns:
    return {
        key: column.take(entries[:, a]) for a, axis in enumerate(axes) for key, column in getattr(axis, which).items()
    }


def _compressed(scope: tuple[int, ...], allowed: BoolArray) -> Table:
    """Entries that a table does not tell apart become one class."""
    maps = []
    for axis in range(allowed.ndim):
        rows = np.packbits(np.moveaxis(allowed, axis, 0).reshape(allowed.shape[axis], -1), axis=1)
        _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
        maps.append(inverse.ravel())
        allowed = np.take(allowed, first, axis=axis)
    return Table(scope, tuple(maps), np.where(allowed, 0.0, -np.inf))
