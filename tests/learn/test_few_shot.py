from __future__ import annotations

import numpy as np
import pytest

from app.learn.few_shot import COUNTS, FewShot, fit_few_shot
from app.learn.gaussian_process import DatasetPrior, Example, Kernel, Points, matern

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
    calm, wild = (fit_few_shot(KERNEL, *drawn(20, s), 0, resource=resource).factors for s in (1.0, 4.0))
    assert calm.shape == (2, len(COUNTS))
    assert (wild[:, 1:] > calm[:, 1:]).all()


def test_picking_low_values_is_picking_high_ones_of_the_negative():
    examples, values, priors = drawn(12, 1.5)
    turned = [Example(Points(e.points.E, e.points.D, e.points.C, -e.points.f), -e.z) for e in examples]
    negative = [DatasetPrior(-p.location, p.scale, p.offset, p.log_scale_spread) for p in priors]
    high = fit_few_shot(KERNEL, examples, values, priors, 0, resource=False).factors
    low = fit_few_shot(KERNEL, turned, [-v for v in values], negative, 0, resource=False).factors
    assert high == pytest.approx(low[::-1])


def test_factors_are_interpolated_between_numbers_of_own_runs():
    few = FewShot(np.array([[1.0, 2.0, 2.0, 2.0, 5.0], [0.5] * 5]))
    assert few(2, 1.0) == 1.5
    assert few(500, 1.0) == 5.0
    assert few(2, -1.0) == 0.5


def test_datasets_with_hardly_any_runs_tell_nothing():
    examples, values, priors = drawn(3, 1.0, n=5)
    assert fit_few_shot(KERNEL, examples, values, priors, 0, resource=False).factors == pytest.approx(1.0)
