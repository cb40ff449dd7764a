from __future__ import annotations

import numpy as np
import pytest
from catboost import CatBoostRegressor, Pool
from hypothesis import given, settings
from hypothesis import strategies as st

from app.learn import cbm
from app.learn.cbm import model_to_bytes
from app.learn.trees import MAX_DEPTH, Trees, compile_trees, read_trees, summed
from tests.ensembles import examples, made_trees, made_values, seeds


def fitted(seed: int, *, n: int = 200, d: int = 4, trees: int = 12, depth: int = 4, missing: float = 0.2, **options):
    """A small CatBoost model of made data, some of it missing."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)).astype(np.float32)
    X[:, 0] = rng.integers(0, 2, n)
    y = np.sin(X).sum(axis=1) + X[:, 0] * X[:, -1]
    X[rng.random(X.shape) < missing] = np.nan
    settings = {"iterations": trees, "depth": depth, "random_seed": seed % 1000, "thread_count": 1, "verbose": False}
    return CatBoostRegressor(allow_writing_files=False, **(settings | options)).fit(Pool(X, y))


def hard_rows(models, rng, d: int, n: int = 300) -> np.ndarray:
    """Rows on the models' own borders, just beside them, absent and infinite."""
    X = rng.normal(size=(n, d)).astype(np.float32)
    for j in range(d):
        borders = np.concatenate([np.array(m.get_borders().get(j, ()), np.float32) for m in models])
        if len(borders):
            on = rng.choice(borders, n)
            with np.errstate(over="ignore"):  # CatBoost's border below all numbers is the smallest of them
                near = [np.nextafter(on, np.float32(np.inf)), np.nextafter(on, np.float32(-np.inf))]
            X[:, j] = np.choose(rng.integers(0, 4, n), [X[:, j], on, *near])
    odd = rng.random(X.shape)
    X[odd < 0.1] = np.nan
    X[odd > 0.95] = np.inf
    X[odd > 0.98] = -np.inf
    return X


def assert_equal(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * max(float(np.abs(expected).max()), 1e-12))


@pytest.mark.parametrize("depth", [1, 4, MAX_DEPTH])
@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("nan_mode", ["Min", "Max"])
def test_trees_predict_what_catboost_does(depth, missing, nan_mode):
    model = fitted(depth, depth=depth, missing=missing, nan_mode=nan_mode)
    X = hard_rows([model], np.random.default_rng(0), 4)
    assert_equal(compile_trees([(1.0, model)]).predict(X), model.predict(Pool(X)))


@settings(max_examples=examples(100), deadline=None)  # the first example compiles
@given(seed=st.integers(0, 10_000), borders=st.sampled_from([4, 64, 254]), weights=st.tuples(*[st.floats(-2, 2)] * 2))
def test_a_weighted_sum_of_models_is_one_set_of_trees(models, seed, borders, weights):
    pair = [models[seed % len(models)], models[(seed // 7 + borders) % len(models)]]
    X = hard_rows(pair, np.random.default_rng(seed), 4)
    expected = sum(weight * model.predict(Pool(X)) for weight, model in zip(weights, pair, strict=True))
    assert_equal(compile_trees(list(zip(weights, pair, strict=True))).predict(X), expected)


@pytest.fixture(scope="module")
def models():
    options = [{"depth": 1 + i % 6, "missing": (i % 3) / 5, "nan_mode": ("Min", "Max")[i % 2]} for i in range(12)]
    return [fitted(i, **option) for i, option in enumerate(options)]


def test_more_than_255_borders_of_one_feature_are_told_apart():
    rng = np.random.default_rng(0)
    n_trees = 700
    leaves = rng.normal(size=2 * n_trees)
    trees = Trees(
        0.0,
        np.arange(n_trees + 1),
        np.zeros(n_trees, np.int64),
        np.arange(n_trees, dtype=np.float32),
        np.zeros(n_trees, np.bool_),
        2 * np.arange(n_trees + 1),
        leaves,
    )
    x = np.arange(-1, n_trees + 1, dtype=np.float32)
    expected = [sum(leaves[2 * t + (v > t)] for t in range(n_trees)) for v in x]
    np.testing.assert_allclose(trees.predict(x[:, None]), expected, atol=1e-9)


@settings(max_examples=examples(100), deadline=None)  # the first example compiles
@given(seed=seeds, n_trees=st.integers(0, 20), fixed=st.lists(st.booleans(), min_size=5, max_size=5))
def test_known_features_fold_away_without_a_trace(seed, n_trees, fixed):
    rng = np.random.default_rng(seed)
    trees, mask = made_trees(rng, n_trees, 5), np.array(fixed)
    X = made_values(rng, 50, 5)
    X[:, mask] = X[0, mask]
    restricted = trees.restricted(X[0], mask)
    assert not mask[restricted.feature].any()
    assert (restricted.depth > 0).all()
    np.testing.assert_array_equal(restricted.predict(X), trees.predict(X))


@settings(max_examples=examples(100), deadline=None)  # the first example compiles
@given(seed=seeds, n=st.integers(0, 1_100))
def test_rows_do_not_depend_on_their_neighbours_nor_on_the_memory_order(seed, n):
    rng = np.random.default_rng(seed)
    trees, X = made_trees(rng, 10, 4), made_values(rng, n, 4)
    whole = trees.predict(X)
    np.testing.assert_array_equal(trees.predict(np.asfortranarray(X)), whole)
    np.testing.assert_array_equal(
        np.concatenate([np.zeros(0), *(trees.predict(X[i : i + 1]) for i in range(0, n, 97))]), whole[::97]
    )


def test_sums_are_exact_in_any_order():
    trees = compile_trees([(0.3, fitted(1, trees=100)), (-0.7, fitted(2, trees=100))])
    order = np.random.default_rng(0).permutation(trees.leaves)
    assert order.sum() == trees.leaves.sum() == np.sort(trees.leaves).sum()


def test_the_sum_of_nothing_is_zero():
    assert summed([]).predict(np.zeros((3, 2), np.float32)).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "options", [{"grow_policy": "Lossguide"}, {"grow_policy": "Depthwise"}, {"depth": MAX_DEPTH + 1, "n": 3_000}]
)
def test_other_trees_are_refused(options):
    with pytest.raises(cbm.Unreadable):
        compile_trees([(1.0, fitted(0, **options))])


def test_categories_are_refused():
    X = np.array([["a", "1"], ["b", "2"], ["c", "1"], ["a", "3"]] * 10, dtype=object)
    model = CatBoostRegressor(
        iterations=5, cat_features=[0, 1], one_hot_max_size=2, verbose=False, allow_writing_files=False
    ).fit(X, np.arange(40.0))
    with pytest.raises(cbm.Unreadable):
        compile_trees([(1.0, model)])


@pytest.mark.parametrize("content", [b"", b"CBM1", b"CBM2" + bytes(100)])
def test_what_is_no_model_is_refused(content):
    with pytest.raises(cbm.Unreadable):
        read_trees(fitted(0), content)


def test_a_multi_output_model_is_refused():
    rng = np.random.default_rng(0)
    model = CatBoostRegressor(loss_function="MultiRMSE", iterations=3, verbose=False, allow_writing_files=False)
    model.fit(rng.normal(size=(50, 3)), rng.normal(size=(50, 2)))
    with pytest.raises(cbm.Unreadable):
        read_trees(model, model_to_bytes(model))
