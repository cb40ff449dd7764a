"""The posterior against the same thing written down densely: one multivariate normal per σ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from app.learn.gaussian_process import (
    CAUTION,
    JITTER,
    SCALE_GRID,
    DatasetPrior,
    Example,
    Kernel,
    Points,
    condition,
    learn_kernel,
)

KERNEL = Kernel(amplitude=0.5, length=1.5, noise=0.1, across=0.3, components=0.2)
PRIOR = DatasetPrior(location=2.0, scale=1.7, offset=0.8, log_scale_spread=0.4)


def points(n: int, seed: int) -> Points:
    rng = np.random.default_rng(seed)
    return Points(rng.normal(size=(n, 3)), rng.normal(size=(n, 2)), rng.normal(size=(n, 2)), rng.normal(size=n))


def dense(own: Points, v: np.ndarray, at: Points) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of a noisy run, by conditioning one big normal for every σ and mixing."""
    both = Points(*(np.concatenate([getattr(own, f), getattr(at, f)]) for f in ("E", "D", "C", "f")))
    n = len(v)
    means, variances, logs = [], [], []
    for eta in SCALE_GRID:
        s = CAUTION * PRIOR.scale * np.exp(PRIOR.log_scale_spread * eta)
        mean = PRIOR.location + s * both.f
        K = s**2 * KERNEL.between(both, both) + (CAUTION * PRIOR.offset * PRIOR.scale) ** 2
        K = K + s**2 * (KERNEL.noise + JITTER) * np.eye(len(both))
        gain = K[n:, :n] @ np.linalg.inv(K[:n, :n])
        means.append(mean[n:] + gain @ (v - mean[:n]))
        variances.append(np.diag(K[n:, n:] - gain @ K[:n, n:]))
        logs.append(multivariate_normal.logpdf(v, mean[:n], K[:n, :n]) - 0.5 * eta**2)
    w = np.exp(np.array(logs) - max(logs))
    w /= w.sum()
    m, s2 = np.array(means), np.array(variances)
    average = w @ m
    return average, np.sqrt(w @ (s2 + (m - average) ** 2))


@pytest.mark.parametrize("n", [1, 2, 7, 30])
def test_the_posterior_is_the_dense_one(n):
    own, at = points(n, 0), points(11, 1)
    v = np.random.default_rng(2).normal(2.0, 2.0, n)
    mean, std = condition(KERNEL, PRIOR, own, v).predict(at)
    expected_mean, expected_std = dense(own, v, at)
    assert np.allclose(mean, expected_mean, atol=1e-8)
    assert np.allclose(std, expected_std, atol=1e-7)


def test_without_own_runs_it_is_the_prior():
    at = points(5, 0)
    posterior = condition(KERNEL, PRIOR, points(0, 0), np.zeros(0))
    _, _, score = posterior.latent(at)
    assert np.allclose(score, at.f)


@pytest.mark.parametrize("n", [0, 6])
def test_the_joint_covariance_is_a_covariance_and_agrees_with_the_variances(n):
    own, at = points(n, 3), points(20, 4)
    posterior = condition(KERNEL, PRIOR, own, np.random.default_rng(0).normal(size=n))
    covariance = posterior.covariance(at, at)
    _, std, _ = posterior.latent(at)
    assert np.allclose(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() > -1e-8
    assert np.allclose(np.diag(covariance), std[:, posterior.likely] ** 2)


def test_what_was_measured_is_believed_the_more_the_more_often():
    at = points(1, 5)
    v_true, spreads = 4.0, []
    for n in (1, 3, 10, 30):
        own = Points(*(np.repeat(getattr(at, f), n, axis=0) for f in ("E", "D", "C", "f")))
        v = v_true + np.random.default_rng(n).normal(0, 0.1, n)
        mean, _, _ = condition(KERNEL, PRIOR, own, v).latent(at)
        posterior = condition(KERNEL, PRIOR, own, v)
        _, std, _ = posterior.latent(at)
        spreads.append(float((std @ posterior.weights)[0]))
    assert spreads == sorted(spreads, reverse=True)
    assert abs(float((mean @ posterior.weights)[0]) - v_true) < 0.2


def test_hyperparameters_are_recovered_from_data_that_has_them():
    truth = Kernel(amplitude=0.6, length=2.0, noise=0.02, across=0.0001, components=0.0001)
    examples = []
    for seed in range(25):
        p = points(40, seed)
        K = truth.between(p, p) + truth.noise * np.eye(40)
        z = p.f + np.random.default_rng(seed).multivariate_normal(np.zeros(40), K)
        examples.append(Example(p, z))
    found = learn_kernel(examples)
    assert 0.3 < found.amplitude < 1.2
    assert 1.0 < found.length < 4.0
    assert found.noise < 0.15


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=8))
def test_absurd_outcomes_leave_the_range_of_no_number(outcomes):
    posterior = condition(KERNEL, PRIOR, points(len(outcomes), 1), np.array(outcomes))
    mean, std = posterior.predict(points(5, 2))
    assert np.isfinite(mean).all()
    assert (std > 0).all()
    assert np.isfinite(std).all()
