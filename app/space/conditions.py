"""When a parameter is active, and which combinations are excluded: both are conjunctions of memberships.

    when:      {"booster": ["gbtree"], "device": "gpu"}   active only if every named parent has a listed value
    forbidden: {"booster": "gbtree", "max_depth": [15]}   excluded if every named parameter has a listed value

An absent (inactive) parameter has no value, so it is a member of nothing: children of an inactive parent are inactive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from app.space.columns import BoolArray, Column, Columns, FloatArray, NumericColumn, n_rows

Accepted: TypeAlias = BoolArray | FloatArray
"""What a column may be: numbers; or, for codes, a table (levels + 1,) whose last entry (code -1 takes it) is False."""


@dataclass(frozen=True, eq=False)
class Membership:
    """A named parameter has one of the listed values, whichever of its variants is the active one."""

    name: str
    accepted: Mapping[str, Accepted]  # by column key, one for each variant of the name
    values: frozenset[str]  # level keys of the listed values

    def holds(self, columns: Columns) -> BoolArray:
        """(n,) where it is true."""
        found = [_is_member(columns[key], accepted) for key, accepted in self.accepted.items()]
        return found[0] if len(found) == 1 else np.logical_or.reduce(found)


Condition: TypeAlias = tuple[Membership, ...]


def holds(condition: Condition, columns: Columns) -> BoolArray:
    """(n,) where every membership is true; everywhere for the empty condition."""
    result = np.ones(n_rows(columns), dtype=np.bool_)
    for membership in condition:
        result &= membership.holds(columns)
    return result


def _is_member(column: Column, accepted: Accepted) -> BoolArray:
    if isinstance(column, NumericColumn):
        return np.isin(column.values, accepted)
    found: BoolArray = accepted[column.codes].astype(np.bool_, copy=False)
    return found


@dataclass(frozen=True, eq=False)
class Forbidden:
    """A partial assignment that no configuration may contain."""

    condition: Condition
    text: str
    pointer: str

    @cached_property
    def keys(self) -> frozenset[str]:
        return frozenset(key for membership in self.condition for key in membership.accepted)

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(membership.name for membership in self.condition)

    def holds(self, columns: Columns) -> BoolArray:
        """(n,) where the configuration is allowed."""
        return ~holds(self.condition, columns)
