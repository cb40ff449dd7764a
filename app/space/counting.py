"""How many configurations a finite space allows, exactly, without listing them where that can be avoided.

The size is the product over independent components. Within one, conditions and forbidden clauses are counted by
*conditioning*: give one parameter a value (values that the same memberships accept count together), see what that
decides, split what is left into parts that are independent now, multiply. Chains and trees of any size are exact in
milliseconds. A constraint has to see real values: the parameters that it names, with their ancestors, are listed
(`enumeration.expand`), and the rest is counted once for each different way in which the list decides it.

Source: recursive conditioning, A. Darwiche, Artificial Intelligence 126 (2001).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from app.space.conditions import Condition, Forbidden, Membership
from app.space.enumeration import Component, columns_at, connected, expand, rows_of
from app.space.expressions import Constraint
from app.space.parameters import Choice, Parameter

MAX_WORK = 100_000
"""Parameters and memberships looked at while conditioning: about a second. Beyond it the size is not known."""
MAX_DECISIONS = 128
"""Of conditioning inside each other: two frames of the interpreter's stack each."""

Truths: TypeAlias = dict[Membership, bool]
"""The memberships that are decided."""


class TooCoupled(Exception):
    """A component cannot be counted within the limits."""


def count(parts: Sequence[Component]) -> int:
    """The number of allowed configurations of independent components. Raises: TooCoupled."""
    total = 1
    for part in parts:
        total *= count_component(part)
    return total


def count_component(part: Component) -> int:
    """The number of allowed assignments of one component. Raises: TooCoupled."""
    constraints = [rule for rule in part.rules if isinstance(rule, Constraint)]
    clauses = [rule for rule in part.rules if isinstance(rule, Forbidden)]
    core = _closure({name for rule in constraints for name in rule.names}, part.parameters)
    inside = [p for p in part.parameters if p.name in core]
    outside = [p for p in part.parameters if p.name not in core]
    open_clauses = tuple(clause.condition for clause in clauses if not clause.names <= core)
    counter = _Counter()
    if not inside:
        return counter.count(outside, open_clauses, {})
    table = expand(inside, [*constraints, *(clause for clause in clauses if clause.names <= core)])
    if table is None:
        raise TooCoupled
    if not outside:
        return rows_of(table)
    asked = [m for condition in (*(p.when for p in outside), *open_clauses) for m in condition if m.name in core]
    columns = columns_at(table, inside, {key for m in asked for key in m.accepted})
    truths = np.stack([m.holds(columns) for m in asked], axis=1)
    ways, multiplicity = np.unique(truths, axis=0, return_counts=True)
    return sum(
        int(times) * counter.count(outside, open_clauses, dict(zip(asked, map(bool, way), strict=True)))
        for way, times in zip(ways, multiplicity, strict=True)
    )


def _closure(names: set[str], parameters: Sequence[Parameter]) -> set[str]:
    """The names with all their ancestors; parents come first in `parameters`."""
    found = set(names)
    for parameter in reversed(parameters):
        if parameter.name in found:
            found.update(membership.name for membership in parameter.when)
    return found


@dataclass
class _Counter:
    """Conditioning on one component, with its memory and its budget."""

    work: int = 0
    depth: int = 0
    memory: dict[tuple[object, ...], int] = field(default_factory=dict)

    def count(self, pending: Sequence[Parameter], clauses: Sequence[Condition], truths: Truths) -> int:
        """Allowed assignments of the pending parameters, given what is decided."""
        self.work += 1 + sum(1 + len(p.when) for p in pending) + sum(map(len, clauses))
        if self.work > MAX_WORK or self.depth > MAX_DECISIONS:
            raise TooCoupled
        pending, truths = _settle(pending, clauses, truths)
        clauses = [clause for clause in clauses if not any(truths.get(m) is False for m in clause)]
        if any(all(truths.get(m) for m in clause) for clause in clauses):
            return 0
        total = 1
        for group, group_clauses in _split(pending, clauses, truths):
            total *= self._count_group(group, group_clauses, truths)
        return total

    def _count_group(self, group: Sequence[Parameter], clauses: Sequence[Condition], truths: Truths) -> int:
        if len(group) == 1 and not clauses:
            return group[0].count or 0
        rest_of = tuple(tuple(m for m in c if m not in truths) for c in (*(p.when for p in group), *clauses))
        memory_key = (tuple(p.key for p in group), rest_of)
        if memory_key not in self.memory:
            self.depth += 1
            self.memory[memory_key] = self._decide(group, clauses, truths)
            self.depth -= 1
        return self.memory[memory_key]

    def _decide(self, group: Sequence[Parameter], clauses: Sequence[Condition], truths: Truths) -> int:
        """Sum over the values of the active parameter that the rest asks about most."""
        asked = [m for condition in (*(p.when for p in group), *clauses) for m in condition if m not in truths]
        roots = [p for p in group if all(truths.get(m) for m in p.when)]
        chosen = max(roots, key=lambda p: sum(p.key in m.accepted for m in asked))
        rest = [p for p in group if p is not chosen]
        about = [m for m in dict.fromkeys(asked) if chosen.key in m.accepted]
        total = 0
        for weight, accepted in _classes(chosen, about):
            decided = _decided(chosen.key, about, accepted, {p.key for p in rest})
            total += weight * self.count(rest, clauses, {**truths, **decided})
        return total


def _settle(
    pending: Sequence[Parameter], clauses: Sequence[Condition], truths: Truths
) -> tuple[list[Parameter], Truths]:
    """Takes out the parameters that can no longer be active, parents first, with what that decides."""
    known = dict(truths)
    if not any(known.get(m) is False for p in pending for m in p.when):
        return list(pending), known
    asked = list(dict.fromkeys(m for condition in (*(p.when for p in pending), *clauses) for m in condition))
    left = {p.key: p for p in pending}
    for parameter in pending:
        if any(known.get(m) is False for m in parameter.when):
            del left[parameter.key]
            about = [m for m in asked if m not in known and parameter.key in m.accepted]
            known.update(_decided(parameter.key, about, frozenset(), left.keys()))
    return list(left.values()), known


def _decided(key: str, about: Sequence[Membership], accepted: Iterable[Membership], pending: Iterable[str]) -> Truths:
    """What follows for the memberships about a key when these accept its value (none do if it is inactive).

    One that does not accept it is false, unless another variant of the name may still become active.
    """
    yes, open_keys = set(accepted), set(pending)
    found = {m: m in yes for m in about}
    return {m: truth for m, truth in found.items() if truth or not any(k in open_keys for k in m.accepted if k != key)}


def _split(
    pending: Sequence[Parameter], clauses: Sequence[Condition], truths: Truths
) -> list[tuple[list[Parameter], list[Condition]]]:
    """The pending parameters as groups that no undecided membership connects, each with its clauses."""
    keys = {p.key for p in pending}
    open_clauses = [_open_keys(clause, truths, keys) for clause in clauses]
    label = connected(keys, [[p.key, *_open_keys(p.when, truths, keys)] for p in pending] + open_clauses)
    groups: dict[str, tuple[list[Parameter], list[Condition]]] = {}
    for p in pending:
        groups.setdefault(label[p.key], ([], []))[0].append(p)
    for clause, clause_keys in zip(clauses, open_clauses, strict=True):
        groups[label[clause_keys[0]]][1].append(clause)
    return list(groups.values())


def _open_keys(condition: Condition, truths: Truths, pending: Container[str]) -> list[str]:
    return [key for m in condition if m not in truths for key in m.accepted if key in pending]


def _classes(parameter: Parameter, about: Sequence[Membership]) -> list[tuple[int, list[Membership]]]:
    """The values of a parameter, counted by which memberships accept them: (how many, which)."""
    if not about:
        return [(parameter.count or 0, [])]
    tables = [m.accepted[parameter.key] for m in about]
    if isinstance(parameter, Choice):
        accepts = np.stack([table[:-1] for table in tables], axis=1)
        unlisted = 0
    else:
        values = np.unique(np.concatenate(tables))
        accepts = np.stack([np.isin(values, table) for table in tables], axis=1)
        unlisted = (parameter.count or 0) - len(values)
    rows, multiplicity = np.unique(accepts, axis=0, return_counts=True)
    found = [
        (int(times), [m for m, accepted in zip(about, row, strict=True) if accepted])
        for row, times in zip(rows, multiplicity, strict=True)
    ]
    return [*found, (unlisted, [])] if unlisted else found
