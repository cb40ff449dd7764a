from __future__ import annotations

import numpy as np

from app.featurise.frame import columns_of
from app.search.adaptation import adapt
from app.types import OwnRun
from tests.histories import accuracy, configuration

N = 100


def test_own_runs_of_a_dataset_without_meta_features_correct_what_is_said_of_any(learner):
    rng = np.random.default_rng(42)
    configurations, target = [configuration(rng) for _ in range(N)], learner.targets["accuracy"]
    inputs = columns_of([{f"hyperparameters.{k}": v for k, v in c.items()} for c in configurations])
    X = learner.featuriser.transform(inputs, [{}], np.zeros(N, dtype=np.int64)).X
    points = target.prior.points(X)
    own, rest = np.split(np.argsort(-points.f), [3])
    held = []
    for dataset in np.arange(0.5, 10):
        y = np.array([accuracy(c, dataset) for c in configurations])
        runs = [OwnRun({}, {"accuracy": float(y[i])}) for i in own]
        after = adapt("accuracy", target, 1.0, X[own], runs, X).predict(points.take(rest))
        held.append(((after.lower <= y[rest]) & (y[rest] <= after.upper)).mean())
    assert np.mean(held) > 0.8
