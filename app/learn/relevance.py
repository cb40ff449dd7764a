"""How much each input matters to what a configuration scores, learned across datasets.

On one dataset's runs a Gaussian process cannot tell which of thirty inputs matter; on a history it can. Each input gets
one factor on its coordinates (all indicators of a categorical share it), by the marginal likelihood of the scores of
all datasets together:

    z of a dataset ~ N(0, amplitude · Matérn-5/2(r) + noise · I),   r² = Σ_j factor_j² · (E_aj - E_bj)² / unit²

with a lognormal prior that holds the factors near 1. (Automatic relevance determination, Rasmussen & Williams 2006,
section 5.1, with the gradient of eq. 5.9.)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

from app.learn.gaussian_process import JITTER, KernelSpace
from app.learn.scores import rows_by_dataset
from app.space.columns import BoolArray, FloatArray, IntArray
from app.types import Feature

MAX_DATASETS, MAX_RUNS, MIN_RUNS = 30, 60, 8
ITERATIONS = 40
SPREAD = 0.7
"""Standard deviation of a factor's logarithm before anything is seen."""
START = (0.0, float(np.log(0.2)))
"""Logarithms of amplitude and noise: scores have unit variance."""
BOUNDS = ((-3.0, 3.0), (-3.0, 2.0), (-5.0, 1.0))
"""Of the logarithms of factors, amplitude and noise."""


def groups(space: KernelSpace, features: Sequence[Feature]) -> IntArray:
    """The input that each coordinate of the space belongs to, numbered. Shapes: (q,)."""
    paths = [features[j].path for j in space.columns]
    paths += [paths[i] for i in space.absent]
    numbers = {path: i for i, path in enumerate(dict.fromkeys(paths))}
    return np.array([numbers[path] for path in paths], dtype=np.int64)


def relevance(
    E: FloatArray, group: IntArray, z: FloatArray, dataset: IntArray, reference: BoolArray, seed: int
) -> FloatArray:
    """The factor of each coordinate (q,); 1 where the history cannot tell.

    Shapes: E (n, q), group (q,), all others (n,).
    """
    rng = np.random.default_rng(seed)
    rows = [i[reference[i]] for i in rows_by_dataset(dataset)]
    rows = [i for i in rows if len(i) >= MIN_RUNS and np.ptp(z[i]) > 0]
    if not rows or not len(group):
        return np.ones(len(group))
    taken = [np.sort(rng.permutation(rows[k])[:MAX_RUNS]) for k in rng.permutation(len(rows))[:MAX_DATASETS]]
    unit = float(np.median(np.concatenate([cdist(E[i], E[i]).ravel() for i in taken]))) or 1.0
    data = [(E[i] / unit, z[i] - z[i].mean()) for i in taken]
    n = int(group.max()) + 1
    start = np.array([0.0] * n + list(START))

    def loss(p: FloatArray) -> tuple[float, FloatArray]:
        factor = np.exp(p[:n])[group]
        total, gradient = 0.5 * float(np.sum((p - start) ** 2)) / SPREAD**2, (p - start) / SPREAD**2
        for e, y in data:
            one, by_coordinate, by_amplitude, by_noise = _likelihood(e * factor, y, *np.exp(p[n:]).tolist())
            total += one
            gradient += np.append(np.bincount(group, by_coordinate, n), (by_amplitude, by_noise))
        return total, gradient

    limits = [BOUNDS[0]] * n + [BOUNDS[1], BOUNDS[2]]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=limits, options={"maxiter": ITERATIONS})
    return np.asarray(np.exp(found.x[:n])[group])


def _likelihood(e: FloatArray, y: FloatArray, amplitude: float, noise: float) -> tuple[float, FloatArray, float, float]:
    """Negative log marginal likelihood of one dataset, and its derivatives by the logarithms.

    Shapes: e (n, q) already scaled, y (n,) -> loss, by each coordinate's factor (q,), by amplitude, by noise.
    """
    a = np.sqrt(5.0) * cdist(e, e)
    decay = np.exp(-a)
    K = amplitude * (1.0 + a + a * a / 3.0) * decay
    whole = K.copy()
    whole.flat[:: len(y) + 1] += noise + JITTER
    factor = cho_factor(whole, lower=True, check_finite=False)
    alpha = cho_solve(factor, y, check_finite=False)
    loss = 0.5 * float(y @ alpha) + float(np.log(np.diag(factor[0])).sum())
    Q = 0.5 * (cho_solve(factor, np.eye(len(y)), check_finite=False) - np.outer(alpha, alpha))
    # dK/d(r²) = -5/6 · amplitude · (1 + a) · exp(-a), and r² = Σ_j of squares that double with each factor's logarithm
    H = -(5.0 / 3.0) * amplitude * Q * (1.0 + a) * decay
    by_coordinate = 2.0 * (H.sum(axis=0) @ e**2 - np.einsum("aj,aj->j", e, H @ e))
    return loss, np.asarray(by_coordinate), float((Q * K).sum()), noise * float(np.trace(Q))
