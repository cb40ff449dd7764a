from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.search.grid import fold
from app.search.scan import scan
from tests.ensembles import made_grid, made_trees, points, seeds


def best_of_all(factors, k):
    x = points(factors.sizes)
    scores = factors(x)
    best = np.argsort(-scores, kind="stable")[:k]
    return x[best], scores[best]


@settings(deadline=None)  # the first example compiles
@given(
    seed=seeds,
    sizes=st.lists(st.integers(1, 7), min_size=0, max_size=6).map(tuple),
    n_trees=st.integers(0, 40),
    k=st.integers(1, 60),
    every=st.booleans(),
    threads=st.sampled_from([1, 3]),
)
def test_the_best_of_all_points_are_found_in_their_order(seed, sizes, n_trees, k, every, threads):
    rng = np.random.default_rng(seed)
    factors = fold(made_trees(rng, n_trees, 8), made_grid(rng, sizes, 8), merged=int(rng.integers(1, 100))).factors
    found = scan(factors, k, threads=threads, every=every)
    x, scores = best_of_all(factors, k)
    np.testing.assert_array_equal(found.scores, scores)
    np.testing.assert_array_equal(found.x, x)
    assert found.complete
    assert found.bound == scores[0]
