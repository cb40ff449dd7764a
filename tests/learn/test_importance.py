from __future__ import annotations

import pytest

from app.learn.importance import importance
from app.learn.meta_learner import MetaLearner


def test_shares_sum_to_one_largest_first(learner: MetaLearner) -> None:
    found = importance(learner)
    assert found.keys() == learner.targets.keys()
    for shares in found.values():
        assert sum(shares.values()) == pytest.approx(1)
        assert list(shares.values()) == sorted(shares.values(), reverse=True)
        assert shares.keys() <= {feature.path for feature in learner.featuriser.features}


def test_what_matters_comes_before_what_does_not(learner: MetaLearner) -> None:
    """In the made-up history the rate decides, `noise` says nothing, and the cost is in the rows and the depth."""
    found = importance(learner)
    assert found["accuracy"]["hyperparameters.rate"] > 3 * found["accuracy"].get("dataset.noise", 0.0)
    assert next(iter(found["accuracy"])) == "hyperparameters.rate"
    assert found["duration_seconds"]["hyperparameters.depth"] > found["duration_seconds"]["hyperparameters.rate"]
