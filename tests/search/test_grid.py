from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.search.grid import fold
from tests.ensembles import examples, grid_sizes, made_grid, made_trees, points, rows, seeds


@settings(max_examples=examples(100), deadline=None)  # the first example compiles
@given(seed=seeds, sizes=grid_sizes, n_trees=st.integers(0, 30), merged=st.sampled_from([1, 8, 4_096]))
def test_folded_scores_are_those_of_the_trees(seed, sizes, n_trees, merged):
    rng = np.random.default_rng(seed)
    trees, grid = made_trees(rng, n_trees, 6), made_grid(rng, sizes, 6)
    folded = fold(trees, grid, merged)
    x = points(sizes)
    classes = np.column_stack([of_value[x[:, d]] for d, of_value in enumerate(folded.classes)])
    np.testing.assert_array_equal(folded.factors(classes), trees.predict(rows(grid, x)))


@settings(max_examples=examples(100), deadline=None)  # the first example compiles
@given(seed=seeds, sizes=grid_sizes)
def test_classes_are_numbered_by_their_first_values_and_all_tell_something_apart(seed, sizes):
    rng = np.random.default_rng(seed)
    trees, grid = made_trees(rng, 20, 6), made_grid(rng, sizes, 6)
    folded = fold(trees, grid)
    for of_value, size in zip(folded.classes, folded.factors.sizes, strict=True):
        first = [int(np.flatnonzero(of_value == c)[0]) for c in range(size)]
        assert first == sorted(first)
    for scope, maps, table in zip(folded.factors.scopes, folded.factors.maps, folded.factors.tables, strict=True):
        assert list(scope) == sorted(set(scope))
        assert [len(m) for m in maps] == [folded.factors.sizes[d] for d in scope]
        assert [m.max() + 1 for m in maps] == list(table.shape)
        assert min(table.shape) > 1


def test_trees_of_one_scope_share_a_table_while_it_is_small():
    rng = np.random.default_rng(0)
    trees, grid = made_trees(rng, 200, 4, max_depth=2), made_grid(np.random.default_rng(5), (6, 6, 6), 4)
    together, apart = fold(trees, grid).factors, fold(trees, grid, merged=1).factors
    assert len(together.scopes) == len(set(together.scopes)) < len(apart.scopes)


def test_a_dimension_with_a_million_values_folds_to_its_few_classes():
    rng = np.random.default_rng(1)
    trees = made_trees(rng, 50, 2)
    grid = made_grid(rng, (3, 3), 2)
    wide = type(grid.dimensions[0])(np.array([0]), np.linspace(-1, 5, 1_000_000, dtype=np.float32)[:, None])
    folded = fold(trees, type(grid)((wide,), grid.x))
    assert folded.factors.sizes[0] <= 5
    assert len(folded.classes[0]) == 1_000_000
