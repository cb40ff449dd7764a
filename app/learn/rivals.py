"""What a meta-learner must beat: simple rules over configurations that recur from dataset to dataset.

Z  (t, c)  mean score of each configuration on each dataset, NaN where it was not run
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from app.space.columns import Float32Array, FloatArray, IntArray
from app.types import Feature

RECURRENCE = 0.7
"""The rules say something when distinct configurations are fewer than this share of the runs."""
PORTFOLIO = 10
MAX_CONFIGURATIONS = 1_000


def rival_scores(
    X: Float32Array, features: Sequence[Feature], z: FloatArray, dataset: IntArray
) -> Mapping[str, FloatArray]:
    """Scores (n,) of each run by rules that have not seen its dataset; empty where too few configurations recur.

    Named "average_rank.maximize" and so on: a portfolio for high values is no portfolio for low ones.

    Shapes: X (n, d), z and dataset (n,).
    """
    columns = [j for j, feature in enumerate(features) if feature.kind in ("hyperparameters", "architecture")]
    _, which = np.unique(np.nan_to_num(X[:, columns], nan=1e30), axis=0, return_inverse=True)
    n_configurations = int(which.max(initial=-1)) + 1
    if n_configurations >= RECURRENCE * len(z):
        return {}
    average = _average_rank(which, z, dataset)
    found = {"average_rank.maximize": average, "average_rank.minimize": average}
    if n_configurations <= MAX_CONFIGURATIONS:
        groups, row = np.unique(dataset, return_inverse=True)
        total, count = (np.zeros((len(groups), n_configurations)) for _ in range(2))
        np.add.at(total, (row, which), z)
        np.add.at(count, (row, which), 1.0)
        Z = np.where(count > 0, total / np.maximum(count, 1.0), np.nan)
        found["portfolio.maximize"] = _portfolio(Z)[row, which]
        found["portfolio.minimize"] = -_portfolio(-Z)[row, which]
    return found


def _average_rank(which: IntArray, z: FloatArray, dataset: IntArray) -> FloatArray:
    """Mean score of each run's configuration on the other datasets (n,)."""
    total, count = np.bincount(which, z), np.bincount(which)
    pair = which * (dataset.max() + 1) + dataset
    _, inside = np.unique(pair, return_inverse=True)
    own_total, own_count = np.bincount(inside, z)[inside], np.bincount(inside)[inside]
    # a configuration never seen elsewhere is middling, one seen once nearly so
    return np.asarray((total[which] - own_total) / (count[which] - own_count + 1.0))


def _portfolio(Z: FloatArray) -> FloatArray:
    """For each dataset the greedy portfolio of the others: 0 for its first configuration, -1 for the second (t, c).

    Each choice adds most to the mean of the best score so far (Wistuba et al. 2015); what was not run counts as poor.
    """
    filled = np.where(np.isnan(Z), np.nanmin(Z, initial=0.0), Z)
    out = np.full(Z.shape, -float(PORTFOLIO))
    for i in range(len(Z)):
        others = np.delete(filled, i, axis=0)
        best = np.full(len(others), filled.min())
        for position in range(min(PORTFOLIO, Z.shape[1]) if len(others) else 0):
            gain = np.maximum(others, best[:, None]).mean(axis=0)
            gain[out[i] > -PORTFOLIO] = -np.inf
            j = int(np.argmax(gain))
            out[i, j] = -float(position)
            best = np.maximum(best, others[:, j])
    return out
