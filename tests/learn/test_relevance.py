"""Which inputs matter is found from the scores of many datasets, and stays 1 where these tell nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.learn import relevance as module
from app.learn.gaussian_process import KernelSpace
from app.learn.relevance import groups, relevance
from app.space.columns import FloatArray, IntArray
from app.types import Feature

N_DATASETS, N_RUNS, N_INPUTS = 8, 25, 4


def history(seed: int, matters: int) -> tuple[FloatArray, FloatArray, IntArray]:
    """Scores that one input decides, at another place in each dataset, with some noise."""
    rng = np.random.default_rng(seed)
    E = rng.standard_normal((N_DATASETS * N_RUNS, N_INPUTS))
    dataset = np.repeat(np.arange(N_DATASETS), N_RUNS)
    z = np.sin(2 * E[:, matters] + dataset) + 0.1 * rng.standard_normal(len(E))
    return E, z, dataset


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, N_INPUTS - 1))
def test_the_input_that_matters_has_the_largest_factor(seed: int, matters: int) -> None:
    E, z, dataset = history(seed, matters)
    found = relevance(E, np.arange(N_INPUTS), z, dataset, np.ones(len(z), dtype=np.bool_), 0)
    assert found[matters] > 2 * np.delete(found, matters).max()


def test_indicators_of_one_input_share_their_factor() -> None:
    features = (
        Feature("hyperparameters.kernel=rbf", "hyperparameters", "hyperparameters.kernel", "one_hot"),
        Feature("hyperparameters.kernel=poly", "hyperparameters", "hyperparameters.kernel", "one_hot"),
        Feature("hyperparameters.degree", "hyperparameters", "hyperparameters.degree", "number"),
        Feature("dataset.n_rows", "dataset", "dataset.n_rows", "number"),
    )
    X = np.array([[1, 0, np.nan, 5], [0, 1, 2, 5], [0, 1, 3, 5]], dtype=np.float32)
    group = groups(KernelSpace.fit(X, features), features)
    assert group.tolist() == [0, 0, 1, 1]  # the degree, and whether it is absent; meta-features are no coordinates


@pytest.mark.parametrize("n_runs", [1, 7])
def test_too_few_runs_a_dataset_tell_nothing(n_runs: int) -> None:
    E, z, dataset = history(0, 0)
    few = np.flatnonzero(np.arange(len(z)) % N_RUNS < n_runs)
    found = relevance(E[few], np.arange(N_INPUTS), z[few], dataset[few], np.ones(len(few), dtype=np.bool_), 0)
    assert found.tolist() == [1.0] * N_INPUTS


def test_scores_that_are_all_equal_tell_nothing() -> None:
    E, z, dataset = history(0, 0)
    same = np.zeros_like(z)
    found = relevance(E, np.arange(N_INPUTS), same, dataset, np.ones(len(z), dtype=np.bool_), 0)
    assert found.tolist() == [1.0] * N_INPUTS


def test_the_gradient_is_that_of_the_likelihood() -> None:
    E, z, _ = history(1, 2)
    e, y, at = E[:N_RUNS], z[:N_RUNS], np.log([0.7, 1.3, 0.9, 2.0, 0.8, 0.3])

    def loss(p: FloatArray) -> float:
        return module._likelihood(e * np.exp(p[:4]), y, *np.exp(p[4:]).tolist())[0]

    _, by_coordinate, by_amplitude, by_noise = module._likelihood(e * np.exp(at[:4]), y, *np.exp(at[4:]).tolist())
    step = 1e-5 * np.eye(len(at))
    numeric = [(loss(at + h) - loss(at - h)) / 2e-5 for h in step]
    np.testing.assert_allclose([*by_coordinate, by_amplitude, by_noise], numeric, rtol=1e-5, atol=1e-7)
