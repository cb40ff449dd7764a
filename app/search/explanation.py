"""Which inputs moved a prediction, by Shapley values of the prior's trees (Lundberg et al. 2020)."""

from __future__ import annotations

from typing import Any

import numpy as np
from catboost import Pool

from app.learn.meta_learner import TargetLearner
from app.space.columns import Float32Array
from app.types import Feature

SHOWN = 8


def explain(learner: TargetLearner, X: Float32Array, features: tuple[Feature, ...]) -> list[list[dict[str, Any]]]:
    """For each configuration its strongest inputs, each with the change of the score (in normal quantiles) it caused.

    Shapes: X (k, d) -> k lists.
    """
    effect = np.zeros((len(X), len(features)))
    for view, weight in zip(learner.prior.views, learner.prior.blend, strict=True):
        if weight and view.models:
            values = view.ensemble.get_feature_importance(Pool(X), type="ShapValues")
            effect += weight * np.asarray(values)[:, :-1]
    paths = sorted({feature.path for feature in features})
    member = np.array([[feature.path == path for path in paths] for feature in features], dtype=np.float64)
    by_path = effect @ member
    order = np.argsort(-np.abs(by_path), axis=1, kind="stable")[:, :SHOWN]
    return [
        [{"input": paths[j], "effect": round(float(by_path[i, j]), 4)} for j in order[i] if by_path[i, j]]
        for i in range(len(X))
    ]
