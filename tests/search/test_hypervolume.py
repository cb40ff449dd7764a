from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search.hypervolume import expected_improvement, outlook


def exact_gain(u: np.ndarray, front: np.ndarray, reference: np.ndarray) -> float:
    """Area that u newly dominates over a front of two objectives, by strips."""
    if (u <= reference).any():
        return 0.0
    xs = np.unique(np.concatenate([[reference[0], u[0]], np.minimum(front[:, 0], u[0])]))
    area = 0.0
    for left, right in pairwise(xs):
        covered = front[front[:, 0] >= right][:, 1].max(initial=reference[1])
        area += (right - left) * max(u[1] - covered, 0.0)
    return area


@given(st.integers(0, 10_000))
def test_a_certain_outcome_gains_the_area_it_newly_dominates(seed):
    rng = np.random.default_rng(seed)
    front = rng.uniform(0, 1, (4, 2))
    mean = np.vstack([rng.uniform(0, 1, (6, 2)), [[1.0, 1.0]]])
    reference = front.min(axis=0)
    box = np.ones(2) - reference
    gain = expected_improvement(mean, np.full_like(mean, 1e-9), outlook(mean, np.full_like(mean, 1e-9), front, seed))
    exact = np.array([exact_gain(u, front, reference) for u in mean])
    # the last one dominates all there is, so its share is everything
    assert gain[-1] == 1.0
    assert gain == pytest.approx(exact / exact[-1], abs=0.08)
    assert exact[-1] <= np.prod(box)


def test_doubt_is_worth_something_and_what_is_dominated_is_worth_least():
    front = np.array([[0.5, 0.5]])
    mean = np.array([[0.4, 0.4], [0.4, 0.4], [0.9, 0.6]])
    std = np.array([[1e-6, 1e-6], [0.3, 0.3], [1e-6, 1e-6]])
    gain = expected_improvement(mean, std, outlook(mean, std, front, 0))
    assert gain[0] == 0.0
    assert 0.0 < gain[1] < gain[2]


def test_nothing_is_left_to_gain_where_every_point_is_reached():
    mean = np.array([[0.1, 0.1]])
    assert expected_improvement(mean, mean, np.zeros((0, 2))).tolist() == [0.0]
