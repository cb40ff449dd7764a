from __future__ import annotations

import numpy as np

from app.learn.rivals import rival_scores
from app.types import Feature

FEATURES = (Feature("hyperparameters.c", "hyperparameters", "hyperparameters.c", "number"),)


def grid(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every configuration (columns of z) on every dataset (rows)."""
    t, c = z.shape
    X = np.tile(np.arange(c, dtype=np.float32), t)[:, None]
    return X, z.ravel(), np.repeat(np.arange(t), c)


def test_a_portfolio_covers_what_the_average_misses():
    # 0 is good everywhere; 1 and 2 are each best on half of the datasets and poor on the others
    z = np.array([[0.5, 1.0, -1.0], [0.5, -1.0, 1.0]] * 4)
    X, scores, dataset = grid(z)
    found = rival_scores(X, FEATURES, scores, dataset)
    portfolio = found["portfolio.maximize"].reshape(z.shape)
    assert (portfolio.argmax(axis=1) == 0).all()
    assert (np.sort(portfolio, axis=1) == [-2, -1, 0]).all()
    assert (found["average_rank.maximize"].reshape(z.shape).argmax(axis=1) == 0).all()


def test_a_rival_has_not_seen_the_dataset_it_ranks():
    z = np.array([[9.0, 0.0, 0.0]] + [[0.0, 0.0, 1.0]] * 5)
    found = rival_scores(*_args(z))
    for name in ("portfolio.maximize", "average_rank.maximize"):
        assert found[name].reshape(z.shape)[0].argmax() == 2


def test_there_are_none_where_configurations_do_not_recur():
    X = np.arange(12, dtype=np.float32)[:, None]
    assert rival_scores(X, FEATURES, np.zeros(12), np.repeat([0, 1], 6)) == {}


def _args(z: np.ndarray):
    X, scores, dataset = grid(z)
    return X, FEATURES, scores, dataset
