from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.search.grid import Factors, fold
from app.search.scan import scan
from tests.ensembles import examples, made_grid, made_trees, points, seeds


def best_of_all(factors, k):
    x = points(factors.sizes)
    scores = factors(x)
    best = np.argsort(-scores, kind="stable")[:k]
    return x[best], scores[best]


@settings(max_examples=examples(100), deadline=None)  # the first example compiles
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


@pytest.mark.parametrize("every", [True, False])
def test_dimensions_wider_than_a_run_of_scores_are_scanned_whole(every):
    rng = np.random.default_rng(0)
    table = rng.integers(0, 1_000, (700, 600)).astype(np.float64)
    scopes, maps = ((0, 1),), ((np.arange(700), np.arange(600)),)
    found = scan(Factors((700, 600), 5.0, scopes, maps, (table,)), 10_000, every=every)
    best = np.argsort(-table.ravel(), kind="stable")[:10_000]
    np.testing.assert_array_equal(found.x, np.column_stack(np.unravel_index(best, table.shape)))
    np.testing.assert_array_equal(found.scores, 5.0 + table.ravel()[best])


@pytest.mark.parametrize("limit", [1, 20, 10_000])
@pytest.mark.parametrize("seed", range(5))
def test_when_factors_are_summed_changes_nothing(monkeypatch, limit, seed):
    rng = np.random.default_rng(seed)
    sizes = (5, 1, 4, 6, 3, 5)
    factors = fold(made_trees(rng, 60, 9, max_depth=6), made_grid(rng, sizes, 9), merged=30).factors
    monkeypatch.setattr("app.search.scan.LARGEST_TABLE", limit)
    monkeypatch.setattr("app.search.scan.MOST_CELLS", limit)
    x, scores = best_of_all(factors, 25)
    found = scan(factors, 25)
    np.testing.assert_array_equal(found.x, x)
    np.testing.assert_array_equal(found.scores, scores)


def test_a_scan_that_is_stopped_tells_what_it_cannot_exclude():
    rng = np.random.default_rng(0)
    factors = fold(made_trees(rng, 60, 9), made_grid(rng, (6, 6, 6, 6), 9)).factors
    found = scan(factors, 10, stop=np.ones(1, np.bool_))
    assert not found.complete
    assert found.bound >= best_of_all(factors, 1)[1][0]


def test_more_points_than_numbers_for_them_are_refused():
    with pytest.raises(AssertionError, match="64 bits"):
        scan(Factors((2**32, 2**32), 0.0, (), (), ()), 1)
