from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from app.search.pareto import crowding, fronts

utilities = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 40), st.integers(2, 3)), elements=st.integers(-5, 5).map(float)
)


def slow_fronts(u: np.ndarray) -> list[int]:
    """A candidate's front is one more than the deepest of those that dominate it."""
    dominates = [[(a >= b).all() and (a > b).any() for b in u] for a in u]
    front = [0] * len(u)
    for i in np.argsort(-u.sum(1), kind="stable"):
        front[i] = max((front[j] + 1 for j in range(len(u)) if dominates[j][i]), default=0)
    return front


@given(utilities)
def test_fronts_are_those_of_the_definition(u):
    assert fronts(u, len(u)).tolist() == slow_fronts(u)


@given(utilities, st.integers(1, 10))
def test_only_as_many_fronts_as_needed_are_told_apart(u, enough):
    found, whole = fronts(u, enough), fronts(u, len(u))
    told = found < found.max()
    assert (found[told] == whole[told]).all()
    assert (whole[~told] >= found.max()).all()


def test_the_ends_of_a_front_are_the_least_crowded():
    u = np.array([[0.0, 3.0], [1.0, 2.0], [1.1, 1.9], [3.0, 0.0]])
    lonely = crowding(u, np.zeros(4, dtype=np.int64))
    assert np.isinf(lonely[[0, 3]]).all()
    assert np.isfinite(lonely[[1, 2]]).all()
