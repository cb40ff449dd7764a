"""The best configurations of a whole search space under a sum of trees, with proof.

axes       each parameter as its values, or as cells of values that no tree tells apart
grid       what every entry sets in X; the trees fold over it into factors
rules      conditions, forbidden clauses and constraints as tables of -inf beside them
top_k      branch and bound over entries
inhabit    entries back to values; in a cell that a constraint cuts through, to one that keeps it
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from app.featurise.featuriser import Featuriser
from app.learn.trees import Trees
from app.search.axes import Axis, Encode, NotSeparable, make_axes, make_grid
from app.search.branch_and_bound import UNTIL_PROVEN, Found, top_k
from app.search.grid import Factors, Folded, fold
from app.search.inhabit import Inhabitants
from app.search.rules import Table, TooCoupled, rule_tables
from app.space import Columns, SearchSpace
from app.space.columns import FloatArray
from app.space.enumeration import in_order
from app.space.expressions import Constraint


@dataclass(frozen=True, eq=False)
class Solution:
    """The best configurations found, in order. Shapes: columns k rows, scores (k,).

    What is not among them scores at most `bound`: `gap` above the last of them, 0 where the answer is exact. Of a cell
    of equal values one is answered.
    """

    columns: Columns
    scores: FloatArray
    enumeration: Literal["exact", "bounded"]
    bound: float
    gap: float

    @property
    def n_bytes(self) -> int:
        """Memory of the arrays, bytes."""
        return self.scores.nbytes * (1 + len(self.columns))


def solve(
    space: SearchSpace,
    featuriser: Featuriser,
    encode: Encode,
    trees: Trees,
    k: int,
    *,
    effort: int = UNTIL_PROVEN,
    stop: Callable[[], bool] = lambda: False,
) -> Solution | None:
    """The k allowed configurations with the highest scores; None where the space cannot be taken apart.

    `encode` makes X of configurations, as it would to score them; `stop` ends the search early, and so does less
    `effort` (see `branch_and_bound`).
    """
    try:
        axes = make_axes(space, featuriser, trees)
        tables, constraints = rule_tables(space, axes)
        factors = with_rules(fold(trees, make_grid(axes, encode)), [*tables, *_told_apart(axes, constraints)])
    except (NotSeparable, TooCoupled):
        return None
    inhabitants = Inhabitants(axes, constraints)
    found = top_k(factors, k, effort=effort, stop=stop, accept=inhabitants.exist if constraints else None)
    return _solution(space, inhabitants, found, k)


def with_rules(folded: Folded, tables: Sequence[Table]) -> Factors:
    """All factors over entries instead of classes, the rules among them."""
    of_trees = folded.factors
    maps = [
        tuple(of_class[folded.classes[d]] for d, of_class in zip(scope, of_dims, strict=True))
        for scope, of_dims in zip(of_trees.scopes, of_trees.maps, strict=True)
    ]
    return Factors(
        tuple(map(len, folded.classes)),
        of_trees.constant,
        (*of_trees.scopes, *(table.scope for table in tables)),
        (*maps, *(table.maps for table in tables)),
        (*of_trees.tables, *(table.table for table in tables)),
    )


def _told_apart(axes: Sequence[Axis], constraints: Sequence[Constraint]) -> list[Table]:
    """Tables that say nothing but keep entries apart that a constraint may treat differently."""
    keys = {key for constraint in constraints for key in constraint.keys}
    return [
        Table((a,), (np.arange(len(axis)),), np.zeros(len(axis)))
        for a, axis in enumerate(axes)
        if keys & axis.columns.keys()
    ]


def _solution(space: SearchSpace, inhabitants: Inhabitants, found: Found, k: int) -> Solution:
    bound = max(found.bound, inhabitants.unresolved)
    last = float(found.scores[-1]) if len(found.scores) else -np.inf
    exact = found.proven and inhabitants.unresolved <= (last if len(found.scores) == k else -np.inf)
    columns = in_order(inhabitants.columns(found.indices), space.parameters)
    return Solution(columns, found.scores, "exact" if exact else "bounded", bound, 0.0 if exact else bound - last)
