from __future__ import annotations

import numpy as np
import pytest

from app.learn.dataset_level import WORSE, DatasetLevel, Smooth, _trees, fit_dataset_level


def datasets(n, seed=0, d=4):
    rng = np.random.default_rng(seed)
    X = np.asfortranarray(rng.normal(size=(n, d)).astype(np.float32))
    return X, np.arange(n) % 5


def test_six_datasets_are_enough_for_a_line():
    X, fold = datasets(6, d=1)
    y = 3.0 + 2.0 * X[:, 0].astype(np.float64)
    model, held_out = fit_dataset_level(X, y, fold, [])
    assert model is not None
    assert model.trees is None
    assert np.abs(held_out - y).mean() < 0.5 * np.abs(y - np.median(y)).mean()


def test_where_there_are_more_trees_and_a_process_are_tried_and_averaged():
    X, fold = datasets(40)
    y = np.where(X[:, 0] > 0, 1.0, -1.0) + 0.5 * X[:, 1]
    model, held_out = fit_dataset_level(X, y.astype(np.float64), fold, [3])
    assert model is not None
    assert np.corrcoef(held_out, y)[0, 1] > 0.7
    process = Smooth.fit(X, y.astype(np.float64), np.arange(3))
    trees = _trees(X, y.astype(np.float64), [3])
    assert DatasetLevel(trees, process)(X) == pytest.approx((trees.predict(X) + process(X)) / 2)
    assert DatasetLevel(None, process)(X) == pytest.approx(process(X))


def test_the_median_serves_where_meta_features_tell_nothing():
    X, fold = datasets(30, seed=3)
    y = np.random.default_rng(7).standard_t(2, 30)
    model, held_out = fit_dataset_level(X, y, fold, [])
    if model is not None:  # what serves must have been about as good on what it had not seen
        assert np.abs(y - held_out).mean() < WORSE * np.abs(y - np.median(y)).mean() + 0.1
    assert fit_dataset_level(X, y, fold, [0, 1, 2, 3])[0] is None
    assert fit_dataset_level(X, np.ones(30), fold, [])[0] is None


def test_one_meta_feature_among_many_that_tell_nothing_is_found():
    X, fold = datasets(24, d=40)
    new, _ = datasets(200, seed=1, d=40)
    y = np.arctan(2.0 * X[:, 7].astype(np.float64))
    model, _ = fit_dataset_level(X, y, fold, [])
    assert model is not None
    assert model.smooth is not None
    assert int(np.argmax(model.smooth.weight)) == 7
    assert np.corrcoef(model(new), np.arctan(2.0 * new[:, 7]))[0, 1] > 0.85


def test_what_a_dataset_lacks_and_what_lies_far_out_leads_nowhere_absurd():
    X, _ = datasets(12)
    y = X[:, 0].astype(np.float64)
    smooth = Smooth.fit(X, y, np.arange(4))
    odd = np.array([[np.nan] * 4, [1e30] * 4, [-1e30] * 4], dtype=np.float32)
    assert (np.abs(smooth(odd)) < 20).all()
