from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.search.grid import fold
from app.search.means import Means
from app.search.product import configurations
from app.search.question import Question
from app.search.rank import rank
from app.search.scene import Scene
from app.search.solve import solve
from app.search.tables import Tables
from app.space import parse_search_space
from app.space.columns import take
from app.space.paths import flatten
from app.types import Objective, OwnRun
from tests.ensembles import points
from tests.histories import accuracy, meta_features

ACCURACY = Objective(metric="accuracy", direction="maximize")
FAMILIES, N_RATES, DEPTHS, N_OTHER = ["tree", "linear"], 500, range(1, 11), 11
SPACE = {
    "parameters": {
        "family": FAMILIES,
        "rate": {"type": "float", "low": 0.002, "high": 1.0, "step": 0.002},
        "depth": {"type": "int", "low": 1, "high": 10},
        "unheard_of": {"type": "int", "low": 0, "high": N_OTHER - 1},
    }
}
SIZE = len(FAMILIES) * N_RATES * len(DEPTHS) * N_OTHER


@pytest.fixture(scope="module")
def of_trees(learner):
    """A learner in whose scores every view has a say."""

    def heard(target):
        return replace(target, prior=replace(target.prior, blend=np.maximum(target.prior.blend, 0.3)))

    return replace(learner, targets={name: heard(target) for name, target in learner.targets.items()})


def ask(space=SPACE, **fields) -> Question:
    given = {"objectives": (ACCURACY,), "meta_features": meta_features(5), "budget_ms": 60_000, **fields}
    return Question(space=parse_search_space(space), **given)


def own_run(configuration) -> OwnRun:
    return OwnRun(flatten(configuration), {"accuracy": accuracy(configuration, 5)})


def answered(ranking):
    return [entry["configuration"] for entry in ranking.configurations]


def everything(question: Question):
    """All combinations of the first four parameters in enumeration order, the first value of any other."""
    values = points((len(FAMILIES), N_RATES, len(DEPTHS), N_OTHER))
    lacking = len(question.space.parameters) - values.shape[1]
    return configurations(question.space, np.pad(values, ((0, 0), (0, lacking))))


@pytest.fixture(scope="module")
def ranked(of_trees):
    """The best in the right order: by score, equal ones as they are enumerated."""
    question = ask()
    listed = everything(question)
    scores = Scene(question, of_trees).promise(listed, by_history=True)
    return question.space.decode(listed, np.argsort(-scores.round(9), kind="stable")[:300].tolist())


def test_a_large_space_is_ranked_exactly_and_equal_scores_in_order(of_trees, ranked):
    ranking = rank(ask(top_k=200), of_trees)
    assert (ranking.enumeration, ranking.space_size, ranking.candidates_ranked) == ("exhaustive", SIZE, SIZE)
    assert answered(ranking) == ranked[:200]
    assert ranking.gap is None


def test_what_was_tried_or_is_being_tried_is_not_proposed(of_trees, ranked):
    pending = tuple(flatten(c) for c in ranked[:7])
    assert answered(rank(ask(top_k=5, pending=pending), of_trees)) == ranked[7:12]


def test_beyond_a_million_the_answer_is_proven(of_trees, ranked):
    wide = {"parameters": {**SPACE["parameters"], "other": {"type": "int", "low": 0, "high": 99_999, "step": 2}}}
    ranking = rank(ask(wide, top_k=20), of_trees)
    assert (ranking.enumeration, ranking.space_size) == ("exact", SIZE * 50_000)
    assert answered(ranking) == [{**ranked[0], "other": 2 * i} for i in range(20)]


def test_conditions_and_rules_are_kept_and_the_answer_is_still_proven(of_trees):
    parameters = {
        "family": ["tree", "linear"],
        "rate": {"type": "float", "low": 0.01, "high": 1.0, "step": 0.01},
        "depth": {"type": "int", "low": 1, "high": 10, "when": {"family": ["tree"]}},
        "other": {"type": "int", "low": 1, "high": 2_000},
    }
    rules = {"forbidden": [{"family": "linear", "other": [1, 2, 3]}], "constraints": ["rate * depth <= 4"]}
    small = {"parameters": {**parameters, "other": {"type": "int", "low": 1, "high": 9}}, **rules}
    listed = ask(small)
    columns = listed.space.enumerate(100_000)
    best = Scene(listed, of_trees).promise(columns, by_history=True)
    ranking = rank(ask({"parameters": parameters, **rules}, top_k=5), of_trees)
    assert ranking.enumeration == "exact"
    assert ranking.space_size > 1_000_000
    assert ranking.gap is None
    assert ranking.configurations[0]["score"] == pytest.approx(best.max())
    for c in answered(ranking):
        assert ("depth" in c) == (c["family"] == "tree")
        assert c["rate"] * c.get("depth", 0) <= 4 + 1e-9


def test_an_answer_out_of_time_says_how_much_it_may_miss(of_trees):
    means = Means()
    means.end()
    wide = {"parameters": {**SPACE["parameters"], "other": {"type": "int", "low": 0, "high": 9_999}}}
    found = rank(ask(wide), of_trees, means)
    best = rank(ask(wide), of_trees)
    assert (found.enumeration, len(found.configurations)) == ("bounded", 10)
    assert found.gap is not None
    scores = [ranking.configurations[0]["score"] for ranking in (found, best)]
    assert scores[0] <= scores[1] + 1e-9 <= scores[0] + found.gap + 2e-9


def test_own_runs_reorder_the_best_and_the_gap_bounds_what_they_leave_out(of_trees):
    own = tuple(own_run(c) for c in ask().space.decode(everything(ask()), range(0, SIZE, SIZE // 30)))
    wide = {"parameters": {**SPACE["parameters"], "other": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}}
    question = ask(wide, own=own, top_k=3)
    ranking = rank(question, of_trees)
    assert ranking.enumeration in ("bounded", "exact")
    scene = Scene(question, of_trees)
    target = scene.objectives[0]
    X = scene.encode(take(everything(question), np.arange(0, SIZE, 13)))
    best_of_all = float(target.mean(target.learner.prior.points(X)).max())
    assert best_of_all <= ranking.configurations[0]["score"] + (ranking.gap or 0.0) + 1e-9


CONTINUOUS = {
    "parameters": {
        "family": {"type": "categorical", "choices": FAMILIES},
        "rate": {"type": "float", "low": 0.001, "high": 1.0, "log": True},
        "depth": {"type": "int", "low": 1, "high": 10, "when": {"family": ["tree"]}},
    }
}


def by_history(question: Question, learner, n: int) -> float:
    """The best score by history of a large random sample."""
    scene = Scene(question, learner)
    return float(scene.promise(question.space.sample(n, seed=7), by_history=True).max())


def test_no_sample_of_a_continuum_beats_the_proven_best(of_trees):
    question = ask(CONTINUOUS, top_k=1)
    ranking = rank(question, of_trees)
    assert (ranking.enumeration, ranking.space_size, ranking.gap) == ("exact", None, None)
    assert ranking.configurations[0]["score"] >= by_history(question, of_trees, 100_000) - 1e-9
    assert all(question.space.allowed(question.space.encode([c])).all() for c in answered(ranking))


def test_answers_of_a_continuum_are_no_near_copies(of_trees):
    ranking = rank(ask(CONTINUOUS, top_k=4), of_trees)
    different = {(c["family"], round(np.log10(c["rate"]), 1), c.get("depth")) for c in answered(ranking)}
    assert len(different) == 4


def test_a_continuum_out_of_time_is_sampled(of_trees):
    means = Means()
    means.end()
    assert rank(ask(CONTINUOUS), of_trees, means).enumeration == "sampled"


def test_own_runs_refine_the_best_of_a_continuum_under_a_bound_on_all_of_it(of_trees):
    runs = ask(CONTINUOUS).space.sample(20, seed=3)
    own = tuple(own_run(c) for c in ask(CONTINUOUS).space.decode(runs, range(20)))
    question = ask(CONTINUOUS, own=own)
    ranking = rank(question, of_trees)
    assert ranking.enumeration == "bounded"
    scene = Scene(question, of_trees)
    best = float(scene.promise(question.space.sample(30_000, seed=7)).max()) * scene.objectives[0].prior.scale
    assert best <= ranking.configurations[0]["score"] + ranking.gap + 1e-9
    assert best <= ranking.configurations[0]["score"] + 0.02


def test_a_continuum_is_solved_once_while_only_own_runs_change(of_trees, monkeypatch):
    means, solved = Means(), []
    monkeypatch.setattr("app.search.exact.solve", lambda *a, **k: solved.append(1) or solve(*a, **k))
    own = tuple(own_run({"family": "linear", "rate": rate}) for rate in (0.01, 0.1, 0.5))
    answers = [rank(ask(CONTINUOUS, strategy="improve", own=own[:n]), of_trees, means) for n in (1, 2, 3, 3)]
    assert len(solved) == 1
    assert answers[-1] == answers[-2]
    rank(ask(CONTINUOUS, strategy="improve", meta_features=meta_features(3)), of_trees, means)
    assert len(solved) == 2
    assert answers[-1] == rank(ask(CONTINUOUS, strategy="improve", own=own), of_trees)


def test_several_objectives_start_from_the_best_by_each(of_trees):
    both = (ACCURACY, Objective(metric="duration_seconds", direction="minimize"))
    for space in (CONTINUOUS, {"parameters": {**SPACE["parameters"], "other": {"type": "int", "low": 0, "high": 99}}}):
        question = ask(space, objectives=both, top_k=40)
        ranking = rank(question, of_trees)
        assert ranking.enumeration == "sampled"
        scene = Scene(question, of_trees)
        sample = scene.encode(question.space.sample(50_000, seed=7))
        found = scene.encode(question.space.encode(answered(ranking)))
        for target in scene.objectives:
            merit = [target.sign * target.learner.prior.scores(X) for X in (found, sample)]
            assert merit[0].max() >= merit[1].max() - 1e-9


@pytest.mark.parametrize("strategy", ["improve", "explore"])
def test_nothing_is_claimed_of_a_batch(of_trees, strategy):
    wide = {"parameters": {**SPACE["parameters"], "other": {"type": "int", "low": 0, "high": 99}}}
    assert rank(ask(wide, strategy=strategy), of_trees).enumeration == "sampled"


def test_the_same_question_shares_its_tables_and_another_dataset_does_not(of_trees, monkeypatch):
    means, folds = Means(), []
    monkeypatch.setattr("app.search.tables.fold", lambda *a: folds.append(1) or fold(*a))
    answers = [rank(ask(), of_trees, means) for _ in range(3)]
    assert len(folds) == 1
    assert answers[0] == answers[1] == answers[2]
    rank(ask(meta_features=meta_features(3)), of_trees, means)
    assert len(folds) == 2


def test_tables_beyond_the_capacity_are_forgotten(of_trees):
    tables = Tables(capacity_bytes=1)
    for dataset in range(3):
        rank(ask(meta_features=meta_features(dataset)), of_trees, Means(tables))
    assert len(tables._kept) == 1


def test_a_learner_with_other_than_trees_still_samples_or_lists(of_trees):
    def damaged(target):
        views = tuple(replace(view, trees=None) for view in target.prior.views)
        return replace(target, prior=replace(target.prior, views=views))

    other = replace(of_trees, targets={name: damaged(target) for name, target in of_trees.targets.items()})
    ranking = rank(ask(top_k=3), other)
    assert (ranking.enumeration, ranking.candidates_ranked) == ("exhaustive", SIZE)
    assert answered(ranking) == answered(rank(ask(top_k=3), of_trees))
