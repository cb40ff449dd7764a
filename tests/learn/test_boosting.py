from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from catboost import CatBoostRegressor, Pool

from app.errors import CorruptBundle
from app.learn.boosting import FOLDED_FROM, TREES, Members, fit_members
from app.learn.cbm import model_to_bytes
from app.learn.score_trees import n_uncompiled, score_trees


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
    of_views = replace(prior, blend=np.where(np.arange(len(prior.blend)) < len(prior.views), 0.5, 0.0))
    X = np.asfortranarray(np.random.default_rng(0).normal(size=(50, len(learner.featuriser.features))), np.float32)
    np.testing.assert_allclose(score_trees(of_views).predict(X), of_views.scores(X), rtol=1e-6, atol=1e-9)
    uncompiled = replace(of_views, views=tuple(replace(view, trees=None) for view in of_views.views))
    assert score_trees(uncompiled) is None
    assert n_uncompiled(learner) == 0


def seen_in_turn(own: float):
    """Five datasets of sixty runs: what all of them share, `own` times what each has for itself, and their members."""
    rng = np.random.default_rng(0)
    X = np.asfortranarray(rng.normal(size=(300, 3)).astype(np.float32))
    fold = np.repeat(np.arange(5), 60)
    z = X[:, 0] + own * np.sin(3.0 * X[:, 1] + 1.3 * fold) + 0.1 * rng.normal(size=300)
    with ThreadPoolExecutor(1) as pool:
        return X, z, fold, fit_members(X, z, fold, 5, pool)


def test_trees_stop_where_they_learn_what_is_one_datasets_alone():
    counts = []
    for own in (0.0, 1.0):
        X, z, fold, every = seen_in_turn(own)
        weights = np.where(np.arange(300) % 2, 1.0, 0.0)
        fewer = every.pruned(X, z, fold, weights)
        wrong = [weights @ np.square(z - said.out_of_fold(X, fold)) for said in (fewer, every)]
        assert wrong[0] <= wrong[1]
        assert [model.tree_count_ for model in every.models] == [TREES] * 5
        counts.append({model.tree_count_ for model in fewer.models})
    assert [len(n) for n in counts] == [1, 1]
    assert min(counts[1]) < min(counts[0])


def test_a_constant_is_not_pruned():
    X, _, fold, _ = seen_in_turn(0.0)
    z = np.where(fold == 1, X[:, 0], 0.0).astype(np.float64)  # the member without fold 1 sees nothing else than 0
    with ThreadPoolExecutor(1) as pool:
        fitted = fit_members(X, z, fold, 5, pool)
    assert fitted.pruned(X, z, fold, np.ones(300)) is fitted
