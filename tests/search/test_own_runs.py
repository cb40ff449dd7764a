"""Own runs that did not go to their end: stopped ones are information, failed ones a warning."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.featurise.fidelity import ENDED, inputs_with_end, with_ends
from app.learn.bundle import from_bytes
from app.learn.train import train
from app.search.question import Question
from app.search.rank import rank
from app.space import parse_search_space
from app.space.paths import flatten
from app.types import Objective, OwnRun
from tests.histories import accuracy, configuration, history, meta_features, table

N = 120


@pytest.fixture(scope="module")
def candidates():
    rng = np.random.default_rng(7)
    return [configuration(rng) for _ in range(N)]


@pytest.fixture(scope="module")
def stopped_history():
    """Every third run was stopped, at some 0.03 to 0.12 less than it would have reached."""
    rng = np.random.default_rng(0)
    runs = table(history([d for d in range(9) if d != 5], 24))
    stopped = rng.random(len(runs)) < 0.33
    less = np.where(stopped, rng.uniform(0.03, 0.12, len(runs)), 0.0)
    targets = {**runs.targets, "accuracy": runs.targets["accuracy"] - less}
    return replace(runs, state=np.where(stopped, "stopped", runs.state), targets=targets)


def answered(ranking):
    return [entry["configuration"] for entry in ranking.configurations]


def ask(candidates, own=(), **fields) -> Question:
    objectives = (Objective(metric="accuracy", direction="maximize"),)
    space = parse_search_space({"candidates": candidates})
    return Question(
        space=space, objectives=objectives, meta_features=meta_features(5), own=tuple(own), top_k=N, **fields
    )


def test_stopped_runs_are_read_as_less_than_they_would_have_become(stopped_history, candidates):
    learner = from_bytes(train(stopped_history, seed=0, threads=1).content)
    rng = np.random.default_rng(1)
    own = [
        OwnRun(flatten(c), {"accuracy": accuracy(c, 5) - (rng.uniform(0.03, 0.12) if i % 2 else 0.0)}, state)
        for i, (c, state) in enumerate(zip(candidates[:12], ["completed", "stopped"] * 6, strict=True))
    ]
    entries = rank(ask(candidates, own), learner).configurations
    truth = np.array([accuracy(entry["configuration"], 5) for entry in entries])
    predicted = [entry["predicted"]["accuracy"] for entry in entries]
    assert np.corrcoef([p["mean"] for p in predicted], truth)[0, 1] > 0.9
    assert np.mean([p["lower"] <= y <= p["upper"] for p, y in zip(predicted, truth, strict=True)]) > 0.8
    taken_literally = [replace(run, state="completed") for run in own]
    literal = rank(ask(candidates, taken_literally), learner).configurations
    error = np.abs(np.array([p["mean"] for p in predicted]) - truth).mean()
    worse = np.mean([abs(e["predicted"]["accuracy"]["mean"] - accuracy(e["configuration"], 5)) for e in literal])
    assert error < 0.7 * worse


def test_only_stopped_runs_are_told_apart_and_nobodys_own_name_is_taken(stopped_history):
    told = with_ends(stopped_history)
    assert ((told.inputs[ENDED].codes == 0) == (stopped_history.state == "stopped")).all()
    completed = replace(stopped_history, state=np.full(len(stopped_history), "completed"))
    assert with_ends(completed) is completed
    assert with_ends(told) is told
    assert inputs_with_end(OwnRun({ENDED: 3}, {}, "stopped"))[ENDED] == 3
    assert ENDED not in inputs_with_end(OwnRun({}, {}, "completed"))


def test_what_fails_here_is_held_against_its_neighbours(learner, candidates):
    first = rank(ask(candidates, strategy="improve"), learner).configurations
    near = [entry["configuration"] for entry in first[:4]]
    own = [OwnRun(flatten(c), {}, "failed") for c in near]
    then = {
        str(e["configuration"]): e["probability_of_failure"] for e in rank(ask(candidates, own), learner).configurations
    }
    before = {str(e["configuration"]): e["probability_of_failure"] for e in first}
    risen = {c: then[c] - before[c] for c in then}
    assert min(risen.values()) >= 0
    close = max(risen, key=lambda c: risen[c])
    assert risen[close] > 0.1


def test_samples_that_want_what_is_being_trained_are_not_answered(learner, candidates):
    """With the most promising configurations in training, `explore` wants what is all but the same less often."""
    order = [e["configuration"] for e in rank(ask(candidates), learner).configurations]
    twins = [{**c, "rate": c["rate"] * 1.001} for c in order[:4]]
    others = [c for c in candidates if c not in order[:4]]

    def twins_wanted(pending):
        questions = [ask([*others, *twins], strategy="explore", pending=pending, seed=seed) for seed in range(20)]
        return sum(c in twins for q in questions for c in answered(rank(replace(q, top_k=4), learner)))

    assert twins_wanted(tuple(flatten(c) for c in order[:4])) < twins_wanted(())


def test_a_nearly_exhausted_space_answers_what_is_left(learner, candidates):
    few = candidates[:10]
    own = [OwnRun(flatten(c), {"accuracy": accuracy(c, 5)}) for c in few[:6]]
    for strategy in ("best", "improve", "explore"):
        ranking = rank(ask(few, own, strategy=strategy, pending=tuple(flatten(c) for c in few[6:8])), learner)
        assert len(ranking.configurations) == 2
        assert {str(e["configuration"]) for e in ranking.configurations} == {str(c) for c in few[8:]}
