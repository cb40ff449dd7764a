"""What a meta-learner relies on: how much each input moves its predictions, averaged over what it learned from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.learn.meta_learner import MetaLearner
from app.learn.prior import Prior
from app.types import Feature


def importance(learner: MetaLearner) -> dict[str, dict[str, float]]:
    """By target, the share of each input in the changes of the prior's trees; the largest first, together 1.

    The mean response, the part of the prior that is no tree, is left out.
    Source: CatBoost's PredictionValuesChange, summed over members and views as the prior blends them.
    """
    features = learner.featuriser.features
    return {name: _shares(target.prior, features) for name, target in learner.targets.items()}


def _shares(prior: Prior, features: Sequence[Feature]) -> dict[str, float]:
    changes = np.zeros(len(features))
    for view, weight in zip(prior.views, prior.blend, strict=False):
        for model in view.models if weight else ():
            changes += weight * np.asarray(model.get_feature_importance(type="PredictionValuesChange"))
    by_input: dict[str, float] = {}
    for feature, change in zip(features, changes, strict=True):
        by_input[feature.path] = by_input.get(feature.path, 0.0) + float(change)
    total = sum(by_input.values())
    found = {path: change / total for path, change in by_input.items() if change > 0}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
