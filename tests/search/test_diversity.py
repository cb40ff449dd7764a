from __future__ import annotations

import numpy as np

from app.search.diversity import CLOSE, spread
from app.search.rank import rank
from tests.histories import SPACE
from tests.search.test_rank import ask


def test_near_copies_wait_behind_what_differs():
    E = np.array([[0.0], [CLOSE / 2], [1.0], [1.0 + CLOSE / 2], [2.0]])
    assert spread(E, np.arange(5), 3).tolist() == [0, 2, 4]
    assert spread(E, np.arange(5), 5).tolist() == [0, 2, 4, 1, 3]


def test_the_best_of_a_continuous_space_are_different_configurations(learner):
    ranking = rank(ask(SPACE, top_k=5), learner)
    rates = np.log([entry["configuration"]["rate"] for entry in ranking.configurations])
    depths = [entry["configuration"].get("depth", 0) for entry in ranking.configurations]
    for i in range(5):
        for j in range(i):
            assert abs(rates[i] - rates[j]) > 0.02 or depths[i] != depths[j]
