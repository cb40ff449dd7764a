from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.search.question import Question
from app.search.rank import rank
from app.space import parse_search_space
from app.space.paths import flatten
from app.types import Objective, OwnRun
from tests.histories import SPACE, accuracy

LINE = {"parameters": {"x": {"type": "float", "low": 0.0, "high": 1.0}}}


def ask(space=SPACE, **fields) -> Question:
    return Question(
        space=parse_search_space(space), objectives=(Objective(metric="score", direction="maximize"),), **fields
    )


def test_without_anything_known_the_answer_covers_the_space():
    ranking = rank(ask(LINE, top_k=9), None)
    x = np.sort([entry["configuration"]["x"] for entry in ranking.configurations])
    assert ranking.basis == "cold_start"
    assert all(entry["predicted"] is None for entry in ranking.configurations)
    assert np.diff(x).max() < 0.2
    assert abs(ranking.configurations[0]["configuration"]["x"] - 0.5) < 0.02
    assert any("nothing has been learned yet" in warning for warning in ranking.warnings)


def test_the_design_goes_where_nothing_was_tried():
    tried = tuple(OwnRun({"hyperparameters.x": x}, {}, "failed") for x in (0.0, 0.1, 0.2, 0.3))
    ranking = rank(ask(LINE, top_k=1, own=tried), None)
    assert ranking.configurations[0]["configuration"]["x"] > 0.95


@pytest.mark.parametrize("strategy", ["best", "improve", "explore"])
def test_three_own_runs_are_enough_to_predict(strategy):
    own = tuple(OwnRun({"hyperparameters.x": x}, {"score": -((x - 0.7) ** 2)}) for x in (0.1, 0.5, 0.9))
    ranking = rank(ask(LINE, own=own, strategy=strategy, top_k=3), None)
    predicted = ranking.configurations[0]["predicted"]["score"]
    assert predicted["lower"] <= predicted["mean"] <= predicted["upper"]
    assert ranking.n_own_runs == 3


def test_own_runs_alone_lead_to_the_optimum():
    own: list[OwnRun] = []
    for _ in range(15):
        c = rank(ask(LINE, own=tuple(own), strategy="improve", top_k=1), None).configurations[0]["configuration"]
        own.append(OwnRun(flatten(c), {"score": -((c["x"] - 0.73) ** 2)}))
    assert max(run.targets["score"] for run in own) > -0.001


def test_a_metric_the_meta_learner_does_not_know_starts_cold(learner):
    assert rank(ask(), learner).basis == "cold_start"


def test_conditional_spaces_and_determinism():
    one, other = (rank(ask(top_k=6), None) for _ in range(2))
    assert one == other
    assert {entry["configuration"]["family"] for entry in one.configurations} == {"tree", "linear"}
    assert all(np.isfinite(accuracy(entry["configuration"], 3)) for entry in one.configurations)


@settings(max_examples=40, deadline=None)
@given(
    outcomes=st.lists(st.sampled_from([0.0, 0.5, 1e17, 5e-324]) | st.floats(-1e300, 1e300), min_size=3, max_size=6),
    strategy=st.sampled_from(["best", "improve", "explore"]),
)
def test_absurd_outcomes_break_no_answer(outcomes, strategy):
    own = tuple(OwnRun(flatten({"x": i / len(outcomes)}), {"score": y}, "completed") for i, y in enumerate(outcomes))
    for configuration in rank(ask(LINE, own=own, top_k=2, strategy=strategy), None).configurations:
        assert configuration["score"] is None or math.isfinite(configuration["score"])
        assert set(configuration["configuration"]) == {"x"}


def test_the_unit_of_the_outcomes_changes_no_choice():
    def chosen(unit):
        own = tuple(OwnRun(flatten({"x": x}), {"score": unit * (x - 0.3) ** 2}, "completed") for x in (0, 0.5, 0.9))
        return [entry["configuration"] for entry in rank(ask(LINE, own=own, top_k=4), None).configurations]

    assert chosen(1.0) == chosen(2.0**700)
