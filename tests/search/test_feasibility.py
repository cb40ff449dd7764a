from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search.adaptation import adapt
from app.search.feasibility import HISTORY, after_own_runs

shares = st.floats(0, 1)


@given(shares, st.lists(st.tuples(shares, st.booleans()), min_size=1, max_size=10))
def test_what_own_runs_tell_of_failure_lies_between_history_and_what_they_saw(history, runs):
    likeness, failed = np.array([[like for like, _ in runs]]), np.array([ended for _, ended in runs])
    (after,) = after_own_runs(np.array([history]), likeness, failed)
    seen = likeness[0] @ failed / likeness.sum() if likeness.sum() else history
    assert min(history, seen) - 1e-9 <= after <= max(history, seen) + 1e-9


def test_failures_of_the_very_configuration_soon_outweigh_history_and_far_ones_do_not():
    history, failed = np.array([0.02, 0.02]), np.ones(3, dtype=bool)
    near, far = after_own_runs(history, np.array([[1.0] * 3, [0.01] * 3]), failed)
    assert near > 0.5
    assert far < 0.1
    assert after_own_runs(history, np.zeros((2, 3)), failed).tolist() == history.tolist()
    assert HISTORY < 3


@pytest.mark.parametrize("tails", [(0.05, 0.05), (0.01, 0.09)])
@pytest.mark.parametrize("level", ["told", "blind"])
def test_ends_of_an_interval_are_as_likely_passed_as_it_says(learner, level, tails):
    target, X = learner.targets["duration_seconds"], learner.memory.X[:1].copy()
    if level == "blind":
        X[:, [feature.kind == "dataset" for feature in learner.featuriser.features]] = np.nan
    calibration = replace(getattr(target, level).calibration, tails=tails)
    target = replace(target, **{level: replace(getattr(target, level), calibration=calibration)})
    adapted = adapt("duration_seconds", target, -1.0, X[:0], [], X)
    predicted = adapted.predict(adapted.points(X))
    below, middle, above = (
        adapted.probability_below(predicted, float(y[0]))[0]
        for y in (predicted.lower, predicted.mean * np.exp(-calibration.lean), predicted.upper)
    )
    assert below == pytest.approx(tails[0])
    assert middle == pytest.approx(0.5)
    assert above == pytest.approx(1.0 - tails[1])
