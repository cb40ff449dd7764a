from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search.acquisition import expected_improvement

finite = st.floats(-1e6, 1e6)


@pytest.mark.parametrize(
    ("mean", "std", "best", "expected"),
    [(0.0, 1.0, 0.0, 0.39894), (0.0, 1.0, 1.0, 0.08332), (1.0, 1.0, 0.0, 1.08332), (-0.5, 1.0, 0.0, 0.19780)],
)
def test_known_values(mean, std, best, expected):
    assert expected_improvement(np.array([mean]), np.array([std]), best)[0] == pytest.approx(expected, abs=1e-5)


@given(finite, st.floats(1e-9, 1e6), finite)
def test_never_negative_never_less_than_the_certain_gain(mean, std, best):
    found = expected_improvement(np.array([mean]), np.array([std]), best)[0]
    slack = 1e-9 * (abs(mean) + abs(best) + std)
    assert np.isfinite(found)
    assert found >= max(mean - best, 0.0) - slack


@given(finite, finite, st.floats(1e-3, 1e3), st.floats(1.01, 100))
def test_more_uncertainty_is_worth_more(mean, best, std, more):
    one, other = (expected_improvement(np.array([mean]), np.array([s]), best)[0] for s in (std, std * more))
    assert other >= one - 1e-9 * (abs(mean) + abs(best) + std)
