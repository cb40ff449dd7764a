"""Poisoned histories: a refit always ends with something that serves, and 5 % of poison costs a bounded regret."""

from __future__ import annotations

import json

import numpy as np
import pytest

from app.learn.train import train
from tests import histories
from tests.quality.poison import CANDIDATES, HELD_OUT, POISONS, SEEDS, clean, regret

BOUND = 0.2
"""Of what the configurations of a dataset span; a pick by chance misses a half."""


def by_chance() -> float:
    """What a random pick misses, on average."""
    configurations = [histories.configuration(np.random.default_rng((7, i))) for i in range(CANDIDATES)]
    truth = [[histories.accuracy(configuration, d) for configuration in configurations] for d in HELD_OUT]
    return float(np.mean([(max(t) - np.mean(t)) / (max(t) - min(t)) for t in truth]))


@pytest.mark.parametrize("name", POISONS)
def test_a_twentieth_of_poison_costs_little(name: str) -> None:
    assert by_chance() > 2 * BOUND
    runs = clean()[::4] if name == "lopsided" else clean()  # which makes a hundred of each
    poisoned = [POISONS[name](runs, 0.05, np.random.default_rng(seed)) for seed in SEEDS]
    assert np.mean([regret(each, HELD_OUT) for each in poisoned]) < BOUND  # one alone is much of chance


def test_a_history_of_nothing_but_poison_is_learned_from_all_the_same() -> None:
    runs = clean()
    for name in ("constant", "absurd", "duplicated"):
        runs = POISONS[name](runs, 0.9, np.random.default_rng(2))
    trained = train(histories.table(runs), seed=0, threads=2)
    json.dumps(trained.report, allow_nan=False)  # it has to be stored
