"""Whether results lie where they were expected."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from app.learn.coverage import LEVEL, TOLERATED, Coverage, coverage


def outcome(value: float | None, lower: float | None = 0.0, upper: float = 1.0) -> dict[str, object]:
    return {"predicted": {"y": {"lower": lower, "upper": upper}}, "realised": {} if value is None else {"y": value}}


def test_outcomes_are_counted_by_side_and_bounds_belong_to_the_interval() -> None:
    found = coverage([outcome(v) for v in (-0.1, 0.0, 0.5, 1.0, 1.1, 1.2)])
    assert found == {"y": Coverage(n=6, below=1, above=2)}
    assert found["y"].inside == 0.5


def test_what_cannot_be_compared_is_left_out() -> None:
    nothing = {"predicted": None, "realised": {"y": 1.0}}
    assert coverage([nothing, outcome(None), outcome(0.5, lower=None)]) == {}


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_drift_is_what_the_binomial_test_says(counts: tuple[int, int]) -> None:
    n, missed = counts
    chance = float(binom.cdf(n - missed, n, TOLERATED))
    assert Coverage(n=n, below=missed).drifting is (chance < LEVEL) or chance == pytest.approx(LEVEL)


@pytest.mark.parametrize(("n", "missed", "drifting"), [(1, 1, False), (3, 3, True), (200, 28, False), (200, 41, True)])
def test_drift_takes_evidence(n: int, missed: int, drifting: bool) -> None:
    assert Coverage(n=n, above=missed).drifting is drifting
