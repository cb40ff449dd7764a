"""All allowed configurations of a finite space, as columns, each exactly once.

Parameters that no condition, forbidden clause or constraint couples stand in different *components*. Every component
is expanded by itself, parameter by parameter, and filtered as soon as all names of a rule are there; the whole is the
cross product. Row order is that of nested loops over the components and, inside, over parents before children.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from app.space.columns import Column, Columns, IntArray
from app.space.conditions import Forbidden, holds
from app.space.expressions import Constraint
from app.space.parameters import Parameter

Rule: TypeAlias = Forbidden | Constraint
Table: TypeAlias = dict[str, IntArray]
"""Grid indices (n,) of some parameters by column key, -1 where inactive."""

MAX_POINTS = 5_000_000
"""Rows that one component may have on the way; 40 MB for each of its parameters."""


@dataclass(frozen=True)
class Component:
    """Parameters (parents first) that are coupled with each other and with no others, and the rules among them."""

    parameters: tuple[Parameter, ...]
    rules: tuple[Rule, ...]


def components(ordered: Sequence[Parameter], rules: Sequence[Rule]) -> list[Component]:
    """The space as independent parts, in the order of their first parameters."""
    links = [[parameter.name, *(membership.name for membership in parameter.when)] for parameter in ordered]
    label = connected([parameter.name for parameter in ordered], [*links, *(sorted(rule.names) for rule in rules)])
    groups: dict[str, tuple[list[Parameter], list[Rule]]] = {}
    for parameter in ordered:
        groups.setdefault(label[parameter.name], ([], []))[0].append(parameter)
    for rule in rules:
        groups[label[min(rule.names)]][1].append(rule)
    return [Component(tuple(parameters), tuple(own)) for parameters, own in groups.values()]


def connected(names: Iterable[str], links: Iterable[Sequence[str]]) -> dict[str, str]:
    """A label for each name, the same for two names exactly if some chain of links leads from one to the other."""
    above = {name: name for name in names}

    def top(name: str) -> str:
        while above[name] != name:
            above[name] = name = above[above[name]]
        return name

    for first, *others in links:
        for other in others:
            above[top(other)] = top(first)
    return {name: top(name) for name in above}


def expand(parameters: Sequence[Parameter], rules: Sequence[Rule], max_points: int = MAX_POINTS) -> Table | None:
    """All allowed assignments of some parameters (closed under parents, parents first); None if too many on the way."""
    table: Table = {}
    pending = list(rules)
    for parameter in parameters:
        grown = _grow(table, parameter, parameters, max_points)
        if grown is None:
            return None
        table = grown
        ready = [rule for rule in pending if rule.keys <= table.keys()]
        pending = [rule for rule in pending if not rule.keys <= table.keys()]
        for rule in ready:
            keep = rule.holds(columns_at(table, parameters, rule.keys))
            table = {key: index[keep] for key, index in table.items()}
    return table


def _grow(table: Table, parameter: Parameter, parameters: Sequence[Parameter], max_points: int) -> Table | None:
    """Every row once for each value of one more parameter; once where it is inactive."""
    n = rows_of(table) if table else 1
    count = parameter.count
    if count is None:
        return None
    if not parameter.when:
        if n * count > max_points:
            return None
        grown = {key: np.repeat(old, count) for key, old in table.items()}
        return {**grown, parameter.key: np.tile(np.arange(count), n)}
    parents = {key for membership in parameter.when for key in membership.accepted}
    active = holds(parameter.when, columns_at(table, parameters, parents))
    if n + int(active.sum()) * (count - 1) > max_points:
        return None
    repeats = np.where(active, count, 1)
    rows = np.repeat(np.arange(n), repeats)
    index = np.arange(len(rows)) - (np.cumsum(repeats) - repeats)[rows]
    index[~active[rows]] = -1
    return {**{key: old[rows] for key, old in table.items()}, parameter.key: index}


def rows_of(table: Table) -> int:
    return len(next(iter(table.values())))


def columns_at(table: Table, parameters: Sequence[Parameter], keys: Iterable[str]) -> dict[str, Column]:
    """The columns of some keys."""
    wanted = set(keys)
    return {p.key: p.at(table[p.key]) for p in parameters if p.key in wanted}


def cross(parts: Sequence[Component], tables: Sequence[Table]) -> Columns:
    """The cross product of independent tables as columns; the last one varies fastest."""
    sizes = [rows_of(table) for table in tables]
    total = int(np.prod(sizes, dtype=np.int64))
    columns: dict[str, Column] = {}
    outer = 1
    for part, table, size in zip(parts, tables, sizes, strict=True):
        outer *= size
        rows = np.tile(np.repeat(np.arange(size), total // outer), outer // size)
        columns.update((p.key, p.at(table[p.key]).take(rows)) for p in part.parameters)
    return columns


def in_order(columns: Mapping[str, Column], parameters: Sequence[Parameter]) -> dict[str, Column]:
    """The columns in the order in which the parameters were declared."""
    return {parameter.key: columns[parameter.key] for parameter in parameters}
