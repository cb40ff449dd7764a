from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.learn.calibration import calibrate, leaning, weighted_quantile
from app.learn.score_bands import fit_score_band


def test_intervals_hold_new_datasets_nine_times_in_ten():
    """Residuals with a part that a whole dataset shares: an interval made from runs alone would be too narrow."""
    rng = np.random.default_rng(0)
    held = []
    for _ in range(40):
        shift = rng.normal(0, 1, 25)
        dataset = np.repeat(np.arange(25), 30)
        residual = shift[dataset] + rng.normal(0, 0.3, len(dataset))
        low, high = calibrate(residual, np.ones(len(residual)), dataset).band(1.0)
        new = rng.normal(0, 1) + rng.normal(0, 0.3, 50)
        held.append(((new >= low) & (new <= high)).mean())
    assert 0.86 <= np.mean(held) <= 0.96


def test_a_dataset_counts_once_however_many_runs_it_has():
    def band(n):
        dataset = np.array([0] * n + [1] * 10 + [2] * 10)
        residual = np.where(dataset == 0, 0.0, np.where(dataset == 1, -5.0, 5.0))
        return calibrate(residual, np.ones(len(dataset)), dataset).band(1.0)

    assert band(1000) == pytest.approx(band(10))
    assert band(10)[0] <= -5.0
    assert band(10)[1] >= 5.0


def test_a_handful_of_datasets_holds_the_next_one_nearly_as_often_as_many_do():
    """Of seven datasets, quantiles alone would hold about eight in ten."""
    rng = np.random.default_rng(1)
    held = []
    for _ in range(150):
        dataset = np.repeat(np.arange(7), 20)
        residual = rng.normal(0, 1, 7)[dataset] + rng.normal(0, 0.5, len(dataset))
        low, high = calibrate(residual, np.ones(140), dataset).band(1.0)
        new = rng.normal(0, 1) + rng.normal(0, 0.5, 50)
        held.append(((new >= low) & (new <= high)).mean())
    assert 0.84 <= np.mean(held) <= 0.95


def test_the_weighted_quantile():
    x, w = np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0])
    assert weighted_quantile(x, w, 0.25) == 1.0
    assert weighted_quantile(x, w, 0.5) == 2.0
    assert weighted_quantile(x, w, 1.0) == 3.0


def test_a_band_scales_with_the_dataset_only_where_residuals_do():
    rng = np.random.default_rng(0)
    dataset = np.repeat(np.arange(30), 20)
    true, guessed = (rng.lognormal(0, 2, 30)[dataset] for _ in range(2))
    noise = rng.normal(size=len(dataset))
    assert calibrate(noise * true, true, dataset).scaled
    assert not calibrate(noise, guessed, dataset).scaled


@pytest.mark.parametrize("n_runs", range(1, 8))
def test_a_dataset_of_a_few_runs_beside_a_large_one_can_be_calibrated(n_runs: int):
    rng = np.random.default_rng(n_runs)
    dataset = np.r_[np.zeros(60, int), np.ones(n_runs, int)]
    f, residual = rng.normal(size=(2, 60 + n_runs))
    lower, upper = calibrate(residual, np.ones(60 + n_runs), dataset).band(1.0)
    assert lower < 0 < upper
    lower, upper = fit_score_band(f, residual, dataset)(f)
    assert np.all(lower < upper)


def test_bands_by_score_hold_new_datasets_and_are_wider_where_scores_vary_more():
    rng = np.random.default_rng(0)
    held, widths = [], []
    for _ in range(30):
        dataset = np.repeat(np.arange(25), 30)
        f, f_new = rng.normal(size=len(dataset)), rng.normal(size=50)
        residual = rng.normal(0, 0.3, 25)[dataset] + rng.normal(size=len(dataset)) * np.exp(-0.5 * f)
        band = fit_score_band(f, residual, dataset)
        low, high = band(f_new)
        new = rng.normal(0, 0.3) + rng.normal(size=50) * np.exp(-0.5 * f_new)
        held.append(((new >= low) & (new <= high)).mean())
        low, high = band(np.array([-1.0, 1.0]))
        widths.append(high - low)
    assert 0.85 <= np.mean(held) <= 0.95
    assert np.mean(widths, axis=0)[0] > 1.5 * np.mean(widths, axis=0)[1]


@given(st.floats(0.05, 1.5), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_the_shortest_interval_of_a_logarithm_is_no_wider_in_the_unit_and_holds_as_often(spread: float, seed: int):
    rng = np.random.default_rng(seed)
    dataset = np.repeat(np.arange(400), 20)  # sixty tell a quantile too badly
    residual = rng.normal(0, spread, 400)[dataset] + rng.normal(0, spread / 4, len(dataset))
    central, short = (calibrate(residual, np.ones(len(residual)), dataset, shortest=s) for s in (False, True))
    assert central.tails == pytest.approx((0.05, 0.05))
    assert sum(short.tails) == pytest.approx(0.1)
    assert short.tails[0] <= short.tails[1]
    width = [np.exp(c.upper) - np.exp(c.lower) for c in (central, short)]
    assert width[1] <= 1.02 * width[0]
    new = rng.normal(0, spread, 4_000) + rng.normal(0, spread / 4, 4_000)
    assert 0.78 <= ((new >= short.lower) & (new <= short.upper)).mean() <= 0.99


def test_estimates_of_a_cost_lean_down_where_its_level_is_uncertain_and_nowhere_else():
    rng = np.random.default_rng(0)
    dataset = np.repeat(np.arange(40), 10)
    sure, unsure = (rng.normal(0, spread, 40)[dataset] for spread in (0.01, 1.5))
    assert abs(leaning(sure, dataset)) < 0.05
    lean = leaning(unsure, dataset)
    assert -1.0 < lean < -0.3
    new = np.exp(rng.normal(0, 1.5, 2_000))
    assert np.median(np.abs(np.exp(lean) - new) / new) < np.median(np.abs(1.0 - new) / new)
