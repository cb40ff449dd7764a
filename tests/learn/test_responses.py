from __future__ import annotations

import numpy as np
import pytest

from app.learn.responses import BLOCK, fit_responses


@pytest.fixture(scope="module")
def fitted():
    """Six datasets with forty runs each; what is good moves from dataset to dataset, and is 0.5 in the middle."""
    rng = np.random.default_rng(0)
    E, dataset = rng.uniform(-1, 2, size=(240, 2)), np.repeat(np.arange(6), 40)
    z = -((E[:, 0] - 0.5 - 0.1 * (dataset - 2.5)) ** 2)
    return E, dataset, fit_responses(E, z, dataset, np.ones(240, dtype=np.bool_), 0)


def test_many_configurations_are_answered_like_each_by_itself(fitted):
    E, _, responses = fitted
    at = np.random.default_rng(1).uniform(-1, 2, size=(2 * BLOCK + 7, 2))
    pooled = responses.pooled()
    np.testing.assert_allclose(pooled(at), np.vstack([pooled(e[None, :]) for e in at]), atol=1e-9)
    np.testing.assert_allclose(pooled.novelty(np.vstack([at, E])), np.hstack([pooled.novelty(at), np.zeros(240)]))
    assert pooled(at[:0]).shape == (0, pooled.modes.shape[1])
    assert pooled.novelty(at[:0]).shape == (0,)


def test_the_mean_response_is_good_where_datasets_are(fitted):
    E, _, responses = fitted
    best = E[np.argmax(responses.mean(np.arange(240))), 0]
    assert abs(best - 0.5) < 0.1


def test_a_dataset_has_no_say_in_the_mean_of_the_others(fitted):
    _, dataset, responses = fitted
    rows = np.flatnonzero(dataset == 2)
    share = responses.weights / responses.weights.sum()
    own = responses.datasets == 2
    of_own = responses.differences_without(2, rows)[:, own] / np.sqrt(share[own])
    assert not of_own.any()  # a column with no weight
    everyone, others = responses.mean(rows), responses.mean_without(2, rows)
    assert not np.allclose(everyone, others)
    rest = [responses.mean_without(k, rows) * (1 - share[responses.datasets == k]) for k in range(6)]
    np.testing.assert_allclose(np.sum(rest, axis=0), 5 * everyone, atol=1e-9)
