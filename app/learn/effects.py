"""What the prior's trees rely on, by Shapley values (Lundberg et al. 2020): run by run, and over the history."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from catboost import Pool

from app.learn.prior import Prior
from app.space.columns import Float32Array, FloatArray
from app.types import Feature

SAMPLE = 256
"""Runs over which importances are averaged: trees are many, and the order of the inputs settles early."""


def effects(prior: Prior, X: Float32Array, features: Sequence[Feature]) -> tuple[list[str], FloatArray]:
    """How far each input moved each score, in normal quantiles. Shapes: X (n, d) -> paths (p), effects (n, p)."""
    by_column = np.zeros((len(X), len(features)))
    for view, weight in zip(prior.views, prior.blend, strict=True):
        if weight and view.models:
            values = view.ensemble.get_feature_importance(Pool(X), type="ShapValues", thread_count=1)
            by_column += weight * np.asarray(values)[:, :-1]
    paths = sorted({feature.path for feature in features})
    member = np.array([[feature.path == path for path in paths] for feature in features], dtype=np.float64)
    return paths, by_column @ member.reshape(len(features), len(paths))


def importance(prior: Prior, X: Float32Array, features: Sequence[Feature], seed: int) -> dict[str, float]:
    """Each input's share of all movement, the strongest first; shares add up to 1. Shapes: X (n, d)."""
    rows = np.sort(np.random.default_rng(seed).permutation(len(X))[:SAMPLE])
    paths, moved = effects(prior, np.asfortranarray(X[rows]), features)
    mean = np.abs(moved).mean(axis=0)
    total = float(mean.sum())
    order = np.argsort(-mean, kind="stable")
    return {paths[j]: float(mean[j] / total) for j in order if mean[j] > 0}
