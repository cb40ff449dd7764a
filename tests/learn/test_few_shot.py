from __future__ import annotations

import numpy as np
import pytest

from app.learn.calibration import Z90
from app.learn.few_shot import COUNTS, FewShot, fit_few_shot
from app.learn.gaussian_process import DatasetPrior, Example, Kernel, Points, condition, matern

KERNEL = Kernel(amplitude=0.5, length=1.0, noise=0.1, across=0.0, components=0.0)
PRIOR = DatasetPrior(2.0, 1.0, 0.3, 0.3)


def drawn(n_datasets, spread, seed=0, n=30):
    """Datasets as the process expects them, but that scores vary `spread` times as much."""
    rng = np.random.default_rng(seed)
    examples, values = [], []
    for _ in range(n_datasets):
        E, f = rng.uniform(-1, 1, (n, 2)), rng.normal(size=n)
        distance = np.linalg.norm(E[:, None] - E[None], axis=2)
        g = np.linalg.cholesky(0.5 * matern(distance) + 1e-9 * np.eye(n)) @ rng.normal(size=n)
        z = f + spread * (g + np.sqrt(0.1) * rng.normal(size=n))
        nothing = np.zeros((n, 0))
        examples.append(Example(Points(E, nothing, nothing, f), z))
        values.append(PRIOR.location + 0.3 * rng.normal() + z)
    return examples, values, [PRIOR] * n_datasets


@pytest.mark.parametrize("resource", [False, True])
def test_what_varies_more_than_the_process_expects_gets_wider_intervals(resource):
    calm, wild = (fit_few_shot(KERNEL, *drawn(20, s), 0, resource=resource) for s in (1.0, 4.0))
    assert calm.at.shape == calm.lower.shape == calm.upper.shape == (2, len(COUNTS), 3)
    assert ((wild.upper - wild.lower).mean(axis=2)[:, 1:] > (calm.upper - calm.lower).mean(axis=2)[:, 1:]).all()


def test_intervals_after_own_runs_hold_new_datasets_nine_times_in_ten():
    few = fit_few_shot(KERNEL, *drawn(25, 2.0), 0, resource=True)
    held = []
    for example, v, prior in zip(*drawn(40, 2.0, seed=1), strict=True):
        own, rest = np.arange(6), np.arange(6, 30)
        mean, std = condition(KERNEL, prior, example.points.take(own), v[own]).predict(example.points.take(rest))
        down, up = few(6, 1.0, example.points.f[rest])
        held.append(((mean + down * std <= v[rest]) & (v[rest] <= mean + up * std)).mean())
    assert 0.84 <= np.mean(held) <= 0.96


def test_picking_low_values_is_picking_high_ones_of_the_negative():
    examples, values, priors = drawn(12, 1.5)
    turned = [Example(Points(e.points.E, e.points.D, e.points.C, -e.points.f), -e.z) for e in examples]
    negative = [DatasetPrior(-p.location, p.scale, p.offset, p.log_scale_spread) for p in priors]
    high = fit_few_shot(KERNEL, examples, values, priors, 0, resource=False)
    low = fit_few_shot(KERNEL, turned, [-v for v in values], negative, 0, resource=False)
    f = np.linspace(-2, 2, 9)
    down, up = high(6, 1.0, f)
    turned_down, turned_up = low(6, -1.0, -f)
    assert down == pytest.approx(-turned_up, rel=0.15)  # quantiles are taken from below: they differ by a run
    assert up == pytest.approx(-turned_down, rel=0.15)


def test_reaches_are_interpolated_between_numbers_of_own_runs():
    at, upper = np.tile(np.arange(3.0), (2, len(COUNTS), 1)), np.ones((2, len(COUNTS), 3))
    upper[0, 1], upper[0, -1] = 2.0, 5.0
    few = FewShot(at, -upper, upper)
    assert few(2, 1.0, np.array([0.5]))[1] == pytest.approx([1.5])
    assert few(500, 1.0, np.array([9.0]))[1] == pytest.approx([5.0])
    assert few(500, -1.0, np.array([9.0]))[0] == pytest.approx([-1.0])


def test_datasets_with_hardly_any_runs_tell_nothing():
    few = fit_few_shot(KERNEL, *drawn(3, 1.0, n=5), 0, resource=False)
    assert few.upper == pytest.approx(Z90)
