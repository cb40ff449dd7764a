from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_rel

from app.learn.promotion import LEVEL, decide, paired_test


def correlations(values, target="accuracy"):
    return {(target, f"d{i}"): float(value) for i, value in enumerate(values)}


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=3, max_size=20))
def test_the_test_is_the_paired_t_test(pairs):
    ours, theirs = np.array(pairs).T
    difference = ours - theirs
    if difference.std() > 1e-6:
        assert paired_test(difference)[2] == pytest.approx(ttest_rel(ours, theirs, alternative="less").pvalue, abs=1e-9)


def test_equally_good_challengers_are_held_back_no_more_often_than_the_level_says():
    rng = np.random.default_rng(0)
    champion = rng.normal(0.5, 0.2, (400, 12))
    held_back = [not decide(correlations(row + rng.normal(0, 0.1, 12)), correlations(row)).promoted for row in champion]
    assert np.mean(held_back) < LEVEL + 0.04


def test_datasets_pair_up_however_much_they_differ_among_each_other():
    """A loss of 0.05 everywhere is found although datasets differ by ten times as much."""
    champion = np.linspace(-0.5, 0.9, 10)
    worse = champion - 0.05 + 0.01 * (-1.0) ** np.arange(10)
    verdict = decide(correlations(worse), correlations(champion))
    assert not verdict.promoted
    assert verdict.figures["p_value"] < 0.001


def test_several_targets_of_one_dataset_are_one_piece_of_evidence():
    champion = {key: 0.0 for name in "abcdefgh" for key in correlations(np.zeros(3), name)}
    challenger = {key: (-0.3, 0.2, -0.1)[int(key[1][1])] for key in champion}
    assert decide(challenger, champion).figures["n_compared"] == 3
    assert decide(challenger, champion).promoted


def test_a_loss_that_nobody_would_notice_holds_nothing_back():
    champion = np.linspace(0.1, 0.9, 30)
    assert decide(correlations(champion - 0.005), correlations(champion)).promoted
