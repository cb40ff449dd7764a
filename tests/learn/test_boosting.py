from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from catboost import CatBoostRegressor, Pool

from app.errors import CorruptBundle
from app.learn.boosting import FOLDED_FROM, Members
from app.learn.cbm import model_to_bytes
from app.learn.score_trees import score_trees


def members(**options):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4)).astype(np.float32)
    X[rng.random(X.shape) < 0.1] = np.nan
    settings = {"iterations": 30, "depth": 4, "thread_count": 1, "verbose": False, "allow_writing_files": False}
    models = [
        CatBoostRegressor(**settings | options, random_seed=seed).fit(Pool(X, np.nan_to_num(X).sum(axis=1)))
        for seed in range(3)
    ]
    return Members(tuple(models)), [model_to_bytes(model) for model in models]


@pytest.mark.parametrize("n", [1, FOLDED_FROM, FOLDED_FROM + 1])
@pytest.mark.parametrize("options", [{}, {"grow_policy": "Lossguide"}])
def test_members_read_from_bytes_predict_as_catboost_does(n, options):
    fitted, contents = members(**options)
    read = Members.read(contents)
    assert (read.trees is None) == bool(options)
    rng = np.random.default_rng(1)
    X = np.asfortranarray(rng.normal(size=(n, 4)).astype(np.float32))
    X[:, 1], X[:, 2] = np.nan, 0.5
    np.testing.assert_allclose(read.predict(X), fitted.predict(X), rtol=1e-6, atol=1e-9)


def test_no_members_expect_nothing():
    assert Members.read([]).predict(np.zeros((3, 2), np.float32)).tolist() == [0.0] * 3


def test_a_damaged_member_is_told():
    with pytest.raises(CorruptBundle):
        Members.read([b"CBM1 and then nothing"])


def test_a_score_is_a_sum_of_trees_only_if_all_of_it_is(learner):
    prior = learner.targets["accuracy"].prior
    of_views = replace(prior, blend=np.append(np.full(len(prior.views), 0.5), 0.0))
    X = np.asfortranarray(np.random.default_rng(0).normal(size=(50, len(learner.featuriser.features))), np.float32)
    np.testing.assert_allclose(score_trees(of_views).predict(X), of_views.scores(X), rtol=1e-6, atol=1e-9)
    uncompiled = replace(of_views, views=tuple(replace(view, trees=None) for view in of_views.views))
    assert score_trees(uncompiled) is None
    assert learner.n_uncompiled == 0
