"""Which configurations of a space are considered, as columns: all of them, or a sample refined around the best."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.search.question import Space
from app.search.stages import stage
from app.space import Columns, JsonValue, is_among
from app.space.columns import BoolArray, FloatArray, concatenate, n_rows, take
from app.types import Enumeration

EXHAUSTIVE_LIMIT = 1_000_000
SAMPLE = 8_192
ROUNDS = (0.2, 0.1, 0.05)
"""Steps of the local refinement, on the unit scale."""
CENTRES, FEW_CENTRES, MOVES = 32, 16, 16
"""Configurations whose neighbourhoods are looked at, and how closely; fewer where the very best are known."""

Score = Callable[[Columns], FloatArray]
"""Higher is better; columns of n configurations -> (n,)."""


@dataclass(frozen=True)
class Candidates:
    """n configurations of a space, none of which was run or is being run."""

    columns: Columns
    enumeration: Enumeration
    space_size: int | None

    def __len__(self) -> int:
        return n_rows(self.columns)


@stage("gather")
def gather(space: Space, tried: Sequence[Mapping[str, JsonValue]], seed: int, n: int = SAMPLE) -> Candidates:
    """Every configuration of a finite space up to the limit, else a space-filling sample of n; less what was tried.

    Raises: NoFeasibleConfiguration where the space allows none.
    """
    everything = space.enumerate(EXHAUSTIVE_LIMIT)
    columns = everything if everything is not None else space.sample(n, seed)
    enumeration: Enumeration = "sampled" if everything is None else "exhaustive"
    found = Candidates(columns, enumeration, space.size())
    return replace(found, columns=take(columns, np.flatnonzero(~is_one_of(space, columns, tried))))


def is_one_of(space: Space, columns: Columns, configurations: Sequence[Mapping[str, JsonValue]]) -> BoolArray:
    """Which rows are one of some configurations (n,); those that do not belong to the space match nothing."""
    if not configurations:
        return np.zeros(n_rows(columns), dtype=np.bool_)
    return is_among(space.identity(columns), space.identity(space.encode(configurations)))


@stage("score")
def refine(
    space: Space,
    columns: Columns,
    score: Score,
    tried: Sequence[Mapping[str, JsonValue]],
    seed: int,
    centres: int = CENTRES,
) -> tuple[Columns, FloatArray]:
    """Some configurations with the neighbourhoods of their best added, in smaller and smaller steps, and all scores."""
    scores, known = score(columns), space.identity(columns)
    for i, scale in enumerate(ROUNDS if n_rows(columns) else ()):
        best = take(columns, np.argsort(-scores, kind="stable")[:centres])
        near = space.neighbours(best, MOVES, seed + i, scale)
        if not n_rows(near):
            break
        names = space.identity(near)
        new = np.flatnonzero(~is_among(names, known) & ~is_one_of(space, near, tried))
        near = take(near, new)
        if n_rows(near):
            columns, known = concatenate([columns, near]), np.concatenate([known, names[new]])
            scores = np.concatenate([scores, score(near)])
    return columns, scores
