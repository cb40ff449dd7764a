"""Every history dataset's smooth response over configurations: what they have in common, and how they differ.

A dataset's scores are fitted by a Gaussian process on its own runs alone, all datasets through the same M inducing
configurations (Nyström features P = K(E, Z) L⁻ᵀ, K(Z, Z) = L Lᵀ), so that a response is a vector w in Rᴹ:

    mean response   P · mean(w)            the dataset-free answer, smoother than trees
    differences     P · (w - mean(w))      directions in which a new dataset may depart: D, the kernel's part `across`

Source: the same idea with one Gaussian process per dataset is RGPE (Feurer et al. 2018).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.spatial.distance import cdist

from app.learn.gaussian_process import matern
from app.learn.scores import rows_by_dataset
from app.space.columns import BoolArray, FloatArray, IntArray

N_INDUCING = 768
"""With 256 of them responses lose detail where a history has more distinct configurations: see Decisions."""
MAX_RUNS, MAX_DATASETS, MAX_MODES = 200, 200, 32
BLOCK = 128
"""Configurations whose kernel is computed at once, in under a megabyte: twice as fast as all of them together."""
JUDGED_RUNS, JUDGED_DATASETS = 100, 30
"""Of which length and noise are judged by."""
LENGTHS, NOISES = (0.5, 1.0, 1.5, 2.5, 4.0), (0.03, 0.1, 0.3, 1.0)
SHRINKAGE_RUNS = 10.0


@dataclass(frozen=True)
class Responses:
    """How history datasets differ, anywhere.

    Shapes: inducing Z (M, q), modes (M, r): D is K(E, Z) times these; coordinates (t, r): D times its row is how
    dataset `datasets[i]` differs from the mean.
    """

    inducing: FloatArray
    length: float
    modes: FloatArray
    datasets: IntArray  # (t,)
    coordinates: FloatArray

    def __call__(self, E: FloatArray) -> FloatArray:
        """Shapes: E (n, q) -> D (n, r)."""
        return _times_kernel(E, self.inducing, self.length, self.modes)

    def novelty(self, E: FloatArray) -> FloatArray:
        """How far from anything in the history, 0 (seen) to 1 (unlike all of it). Shapes: E (n, q) -> (n,)."""
        nearest = [cdist(E[rows], self.inducing).min(axis=1) for rows in _blocks(len(E))]
        return np.asarray(1.0 - matern(np.concatenate([np.zeros(0), *nearest]) / self.length))


@dataclass(frozen=True)
class FittedResponses:
    """The responses dataset by dataset, as long as the fit needs them.

    Shapes: E (n, q) the history's configurations, L (M, M), W (M, t), weights (t,).
    """

    E: FloatArray
    inducing: FloatArray
    length: float
    L: FloatArray
    W: FloatArray
    weights: FloatArray
    datasets: IntArray  # (t,) the datasets that have a column of W

    def _weights_without(self, dataset: int | None) -> FloatArray:
        kept = np.where(self.datasets == dataset, 0.0, self.weights) if dataset is not None else self.weights
        return np.asarray(kept / max(kept.sum(), 1e-12))

    def _at(self, rows: IntArray, W: FloatArray) -> FloatArray:
        """P at rows of the history times W (M, ...): the kernel, times L⁻ᵀW."""
        upright = solve_triangular(self.L, W, lower=True, trans="T")
        return _times_kernel(self.E[rows], self.inducing, self.length, upright)

    def mean_without(self, dataset: int, rows: IntArray) -> FloatArray:
        """The mean response of the other datasets at rows of the history (len(rows),)."""
        return self._at(rows, self.W @ self._weights_without(dataset))

    def mean(self, rows: IntArray) -> FloatArray:
        """The mean response of all datasets at rows of the history (len(rows),)."""
        return self._at(rows, self.W @ self._weights_without(None))

    def differences_without(self, dataset: int, rows: IntArray) -> FloatArray:
        """D (len(rows), t) of the other datasets at rows of the history."""
        w = self._weights_without(dataset)
        return self._at(rows, (self.W - (self.W @ w)[:, None]) * np.sqrt(w))

    def pooled(self) -> Responses:
        """What serves: all datasets, their differences reduced to the leading modes."""
        w = self._weights_without(None)
        mean = self.W @ w
        U, s, Vt = np.linalg.svd((self.W - mean[:, None]) * np.sqrt(w), full_matrices=False)
        r = min(MAX_MODES, len(s))
        modes = solve_triangular(self.L, U[:, :r] * s[:r], lower=True, trans="T")
        coordinates = (Vt[:r] / np.sqrt(np.maximum(w, 1e-12))).T
        return Responses(self.inducing, self.length, modes, self.datasets, coordinates)


def fit_responses(E: FloatArray, z: FloatArray, dataset: IntArray, reference: BoolArray, seed: int) -> FittedResponses:
    """Length scale and noise by pooled marginal likelihood. Shapes: E (n, q); z, dataset and reference (n,)."""
    rng = np.random.default_rng(seed)
    rows = [i[reference[i]] for i in rows_by_dataset(dataset)]
    rows = sorted((i for i in rows if len(i)), key=len, reverse=True)[:MAX_DATASETS]
    rows = [np.sort(rng.permutation(i)[:MAX_RUNS]) for i in rows]
    distinct = np.unique(E[np.concatenate(rows)], axis=0)
    Z = distinct[rng.permutation(len(distinct))[:N_INDUCING]]
    judged = [i[:JUDGED_RUNS] for i in rows[:JUDGED_DATASETS]]
    between, within = [cdist(E[i], Z) for i in judged], cdist(Z, Z)
    unit = float(np.median(np.concatenate(between))) or 1.0
    best: tuple[float, float, float, FloatArray] | None = None
    for length in LENGTHS:
        L = np.asarray(np.linalg.cholesky(matern(within / (length * unit)) + 1e-6 * np.eye(len(Z))), np.float64)
        features = [_features(L, distances / (length * unit)) for distances in between]
        losses = np.sum([_losses(P, z[i]) for P, i in zip(features, judged, strict=True)], axis=0)
        for noise, loss in zip(NOISES, losses.tolist(), strict=True):
            if best is None or loss < best[0]:
                best = (loss, length * unit, noise, L)
    assert best is not None
    _, length, noise, L = best
    W = np.column_stack([_weights(_features(L, cdist(E[i], Z) / length), z[i], noise) for i in rows])
    n = np.array([len(i) for i in rows], dtype=np.float64)
    datasets = np.array([dataset[i[0]] for i in rows], dtype=np.int64)
    return FittedResponses(E, Z, length, L, W, n / (n + SHRINKAGE_RUNS), datasets)


def _blocks(n: int) -> list[slice]:
    return [slice(start, start + BLOCK) for start in range(0, n, BLOCK)]


def _times_kernel(E: FloatArray, inducing: FloatArray, length: float, V: FloatArray) -> FloatArray:
    """K(E, Z) V. Shapes: E (n, q), inducing Z (M, q), V (M, ...) -> (n, ...)."""
    out = np.empty((len(E), *V.shape[1:]))
    for rows in _blocks(len(E)):
        out[rows] = matern(cdist(E[rows], inducing) / length) @ V
    return out


def _features(L: FloatArray, distance: FloatArray) -> FloatArray:
    """P (n, M), from distances (n, M) to the inducing configurations in units of the length."""
    return np.asarray(solve_triangular(L, matern(distance).T, lower=True).T)


def _weights(P: FloatArray, z: FloatArray, noise: float) -> FloatArray:
    """The response w = (PᵀP + noise·I)⁻¹ Pᵀz (M,), by a system no larger than the dataset has runs."""
    return np.asarray(P.T @ np.linalg.solve(P @ P.T + noise * np.eye(len(z)), z))


def _losses(P: FloatArray, z: FloatArray) -> FloatArray:
    """Negative log marginal likelihood at each of `NOISES`, the amplitude in closed form, up to a constant."""
    if len(z) < 2:
        return np.zeros(len(NOISES))
    values, vectors = np.linalg.eigh(P @ P.T)  # once for all noises
    r = vectors.T @ (z - z.mean())
    variances = np.maximum(values, 0.0)[None, :] + np.array(NOISES)[:, None]
    fit = np.maximum((r * r / variances).mean(axis=1), 1e-9)
    return np.asarray(0.5 * len(z) * np.log(fit) + 0.5 * np.log(variances).sum(axis=1))
