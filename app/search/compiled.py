"""Everything in machine code, made ready before anybody asks: from the disk, or compiled where it is not there yet."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from app.learn.trees import Trees
from app.search.branch_and_bound import STEADY, top_k
from app.search.grid import Dimension, Grid, fold
from app.search.scan import scan


def make_ready() -> Iterator[None]:
    """Run every native function once on next to nothing; a step is one or two of them, a few seconds at most."""
    trees = Trees(
        bias=0.0,
        first_split=np.array([0, 1, 3]),
        feature=np.array([0, 0, 1]),
        border=np.zeros(3, np.float32),
        nan_is_above=np.zeros(3, np.bool_),
        first_leaf=np.array([0, 2, 6]),
        leaves=np.arange(6.0),
    )
    x = np.array([-1.0, 1.0], np.float32)
    trees.predict(x[None, :])
    yield
    trees.restricted(x, np.array([True, False]))
    yield
    folded = fold(trees, Grid(tuple(Dimension(np.array([j]), x[:, None]) for j in range(2)), x))
    yield
    scan(folded.factors, 1)
    yield
    top_k(folded.factors, 1)
    yield
    top_k(folded.factors, 1, effort=STEADY)
    yield
