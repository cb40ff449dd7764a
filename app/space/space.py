"""A search space: what may be tried, and every way in which the other rooms use it. See the package's docstring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from app.space import encoding, sampling
from app.space.columns import Columns, JsonValue, n_rows, take
from app.space.conditions import Forbidden
from app.space.counting import TooCoupled, count
from app.space.enumeration import MAX_POINTS, Component, Rule, components, cross, expand, in_order
from app.space.expressions import Constraint
from app.space.parameters import Parameter

EXHAUSTED = 4
"""A sample of more than a quarter of a space is drawn from its full list."""
MAX_LISTED = 1_000_000
"""Configurations that are listed to complete a sample that random points could not fill."""


@dataclass(frozen=True, eq=False)
class SearchSpace:
    """Parameters, and the rules that exclude some of their combinations.

    Columns are keyed by `Parameter.key`: the name, unless several variants share it. They hold active parameters only.
    """

    parameters: tuple[Parameter, ...]  # as declared
    ordered: tuple[Parameter, ...]  # the same, every parent before its children
    forbidden: tuple[Forbidden, ...] = ()
    constraints: tuple[Constraint, ...] = ()

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        return (*self.forbidden, *self.constraints)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        return tuple(parameter.key for parameter in self.parameters)

    @cached_property
    def input_paths(self) -> frozenset[str]:
        """The inputs that parameters write to, whole or in parts."""
        return frozenset(parameter.path for parameter in self.parameters)

    @cached_property
    def _components(self) -> list[Component]:
        return components(self.ordered, self.rules)

    @property
    def finite(self) -> bool:
        """No parameter is a continuum. The size may still be None, if the rules couple too much to be counted."""
        return all(parameter.count is not None for parameter in self.parameters)

    @cached_property
    def _size(self) -> int | None:
        try:
            return count(self._components) if self.finite else None
        except TooCoupled:
            return None

    def size(self) -> int | None:
        """How many configurations are allowed, exactly; None if infinite (or not `finite` to count, see there)."""
        return self._size

    def enumerate(self, limit: int) -> Columns | None:
        """All allowed configurations in a fixed order; None if infinite or more than `limit`.

        Raises: NoFeasibleConfiguration if there is none.
        """
        size = self.size()
        if size == 0:
            raise sampling.infeasible(self.ordered, self.rules, seed=0)
        if size is None or size > limit:
            return None
        tables = [expand(part.parameters, part.rules, max(limit, MAX_POINTS)) for part in self._components]
        listed = [table for table in tables if table is not None]
        if len(listed) < len(tables):
            return None
        return in_order(cross(self._components, listed), self.parameters)

    def sample(self, n: int, seed: int) -> Columns:
        """At most n distinct allowed configurations, space-filling (scrambled Sobol); all of them where n suffices.

        Raises: NoFeasibleConfiguration if none is found.
        """
        if self._at_most is not None and self._at_most <= EXHAUSTED * n:
            return self._subset(n, seed) or {}
        found = sampling.sample(self.ordered, self.rules, self.keys, n, seed)
        if n_rows(found) < n and self.finite and (subset := self._subset(n, seed)) is not None:
            found = dict(subset)
        if n_rows(found) == 0:
            raise sampling.infeasible(self.ordered, self.rules, seed)
        return in_order(found, self.parameters)

    @cached_property
    def _at_most(self) -> int | None:
        """A bound on the size that costs nothing."""
        bound = 1
        for parameter in self.parameters:
            if parameter.count is None:
                return None
            bound *= parameter.count + bool(parameter.when)
        return bound

    def _subset(self, n: int, seed: int) -> Columns | None:
        """At most n configurations at random from the full list, if it can be had."""
        listed = self.enumerate(max(EXHAUSTED * n, MAX_LISTED))
        if listed is None:
            return None
        size = n_rows(listed)
        rows = np.random.default_rng(seed).permutation(size)[:n]
        return take(listed, rows)

    def neighbours(self, columns: Columns, n_each: int, seed: int, scale: float = 0.1) -> Columns:
        """Distinct allowed configurations near given ones: n_each moves from every row, gaussian on the unit scale."""
        found = sampling.neighbours(self.ordered, self.rules, columns, n_each, seed, scale)
        return in_order(found, self.parameters)

    def allowed(self, columns: Columns) -> npt.NDArray[np.bool_]:
        """(n,) where no forbidden clause matches and every constraint holds."""
        return sampling.allowed(self.rules, columns)

    def encode(self, configurations: Sequence[Mapping[str, JsonValue]]) -> Columns:
        """Configurations, nested or dotted, as columns; one that does not belong here is absent in every column."""
        return in_order(encoding.encode(self.ordered, configurations), self.parameters)

    def decode(self, columns: Columns, rows: Sequence[int]) -> list[dict[str, JsonValue]]:
        """The configurations of some rows as JSON."""
        return encoding.decode(self.parameters, columns, rows)

    def identity(self, columns: Columns) -> npt.NDArray[np.void]:
        """(n,) equal for two rows exactly if they are the same configuration; for np.isin and np.unique."""
        return encoding.identity(columns, self.keys)

    def inputs(self, columns: Columns) -> Columns:
        """The columns by input path, as runs with these configurations would report them; of some parameters or all."""
        return encoding.inputs(columns, {p.key: p.path for p in self.parameters if p.key in columns})
