"""Which datasets are alike, by their meta-features as the meta-learner sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.featurise.dataset import encode_meta_features, infer_meta_features

UNKNOWN = 2.0
"""The squared distance that a meta-feature adds which one of two datasets lacks: that of two datasets at random."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A dataset beside another; `distance` in standard deviations of a meta-feature, 0 for equals."""

    row: int
    distance: float
    n_shared: int


def nearest(meta_features: Sequence[Mapping[str, float]], row: int, k: int) -> list[Neighbour]:
    """The k datasets most like the one in `row`, nearest first; none that shares no meta-feature with it."""
    X = np.asarray(encode_meta_features(infer_meta_features(meta_features), meta_features), dtype=np.float64)
    spread = np.nanstd(X, axis=0) if X.size else np.ones(X.shape[1])
    Z = X / np.where(spread > 0, spread, 1.0)
    known = ~np.isnan(Z)
    shared = known & known[row]
    either = known | known[row]
    squares = np.where(shared, (Z - Z[row]) ** 2, np.where(either, UNKNOWN, 0.0))
    distance = np.sqrt(squares.sum(axis=1) / np.maximum(either.sum(axis=1), 1))
    n_shared = shared.sum(axis=1)
    order = [int(i) for i in np.argsort(distance, kind="stable") if i != row and n_shared[i]]
    return [Neighbour(i, float(distance[i]), int(n_shared[i])) for i in order[:k]]
