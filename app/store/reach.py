"""How far a caller reaches: what lies in other projects is not found, by the same query that finds nothing."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, true

Reach: TypeAlias = Collection[int] | None
"""The ids of the projects that count; None: all of them."""


def within(project_id: ColumnElement[Any], reach: Reach) -> ColumnElement[bool]:
    """The condition that a row belongs to a project in reach."""
    return true() if reach is None else project_id.in_(reach)
