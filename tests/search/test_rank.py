from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.errors import NoFeasibleConfiguration
from app.search.question import Question
from app.search.rank import rank
from app.space import parse_search_space
from app.space.paths import flatten
from app.types import Objective, OutcomeConstraint, OwnRun
from tests.histories import SPACE, accuracy, meta_features, seconds

ACCURACY, SECONDS = (
    Objective(metric="accuracy", direction="maximize"),
    Objective(metric="duration_seconds", direction="minimize"),
)
GRID = {
    "parameters": {
        "family": ["tree", "linear"],
        "rate": [0.001, 0.01, 0.05, 0.2, 1.0],
        "depth": {"type": "int", "low": 1, "high": 10, "when": {"family": ["tree"]}},
    }
}
GRID_SIZE = 5 * 10 + 5


def ask(space=GRID, **fields) -> Question:
    given = {"objectives": (ACCURACY,), "meta_features": meta_features(5), **fields}
    return Question(space=parse_search_space(space), **given)


def own_run(configuration, state="completed") -> OwnRun:
    targets = {"accuracy": accuracy(configuration, 5), "duration_seconds": seconds(configuration, 5)}
    return OwnRun(flatten(configuration), targets if state == "completed" else {}, state)


def answered(ranking):
    return [entry["configuration"] for entry in ranking.configurations]


@pytest.mark.parametrize("strategy", ["best", "improve", "explore"])
def test_a_small_space_is_ranked_whole_and_each_configuration_once(learner, strategy):
    ranking = rank(ask(strategy=strategy, top_k=GRID_SIZE), learner)
    assert (ranking.enumeration, ranking.space_size, ranking.candidates_ranked) == ("exhaustive", GRID_SIZE, GRID_SIZE)
    found = answered(ranking)
    assert len({str(sorted(c.items())) for c in found}) == GRID_SIZE
    assert all(("depth" in c) == (c["family"] == "tree") for c in found)
    assert [entry["rank"] for entry in ranking.configurations] == list(range(1, GRID_SIZE + 1))


@pytest.mark.parametrize("strategy", ["best", "improve"])
def test_the_first_pick_for_a_new_dataset_is_a_good_one(learner, strategy):
    ranking = rank(ask(strategy=strategy), learner)
    assert (ranking.basis, ranking.n_own_runs) == ("zero_shot", 0)
    truth = sorted(accuracy(c, 5) for c in answered(rank(ask(top_k=GRID_SIZE), learner)))
    first = accuracy(answered(ranking)[0], 5)
    assert (truth[-1] - first) / (truth[-1] - truth[0]) < 0.1


def test_a_continuous_space_is_sampled_and_refined_for_a_batch(learner):
    ranking = rank(ask(SPACE, top_k=5, strategy="improve"), learner)
    assert (ranking.enumeration, ranking.space_size) == ("sampled", None)
    assert ranking.candidates_ranked > 2_048
    best = answered(ranking)[0]
    assert best["family"] == "tree"
    assert 0.01 < best["rate"] < 0.3
    assert isinstance(best["depth"], int)


@pytest.mark.parametrize("strategy", ["best", "improve", "explore"])
@pytest.mark.parametrize("space", [GRID, SPACE])
def test_the_same_question_has_the_same_answer(learner, strategy, space):
    question = ask(space, strategy=strategy, top_k=7, seed=3, own=(own_run({"family": "linear", "rate": 0.2}),))
    assert rank(question, learner) == rank(question, learner)


def test_another_seed_explores_elsewhere(learner):
    one, other = (rank(ask(strategy="explore", top_k=8, seed=s), learner) for s in (0, 1))
    assert answered(one) != answered(other)


@pytest.mark.parametrize("strategy", ["best", "improve", "explore"])
def test_what_was_run_or_is_being_run_is_not_proposed_again(learner, strategy):
    first = answered(rank(ask(strategy=strategy, top_k=10), learner))
    own, pending = tuple(own_run(c) for c in first[:3]), tuple(flatten(c) for c in first[3:6])
    ranking = rank(ask(strategy=strategy, top_k=GRID_SIZE, own=own, pending=pending), learner)
    assert len(ranking.configurations) == GRID_SIZE - 6
    assert not [c for c in answered(ranking) if c in first[:6]]


def test_a_space_that_is_used_up_is_answered_with_nothing_and_a_reason(learner):
    everything = answered(rank(ask(top_k=GRID_SIZE), learner))
    ranking = rank(ask(own=tuple(own_run(c) for c in everything)), learner)
    assert ranking.configurations == []
    assert "every configuration" in ranking.warnings[0]


def test_a_run_at_another_fidelity_may_be_run_again(learner):
    configuration = answered(rank(ask(), learner))[0]
    short = OwnRun({**flatten(configuration), "fidelity.epochs": 3}, {"accuracy": 0.5})
    again = rank(ask(own=(short,), context={"fidelity.epochs": 50}, top_k=GRID_SIZE), learner)
    assert configuration in answered(again)


def test_own_runs_make_the_next_answer_better(learner):
    """Dataset 5 in a world turned upside down: own runs say that linear is best, and are believed."""

    def upside_down(c):
        return OwnRun(flatten(c), {"accuracy": 0.9 if c["family"] == "linear" else 0.6})

    trees = [{"family": "tree", "rate": 0.05, "depth": d} for d in (3, 5, 7, 9)]
    lines = [{"family": "linear", "rate": r} for r in (0.01, 0.05)]
    before = answered(rank(ask(), learner))[0]
    after = rank(ask(own=tuple(upside_down(c) for c in trees + lines)), learner)
    assert before["family"] == "tree"
    assert answered(after)[0]["family"] == "linear"
    assert (after.basis, after.n_own_runs) == ("few_shot", 6)


def test_twenty_rounds_find_the_best_of_the_grid(learner):
    own = []
    for _ in range(20):
        configuration = answered(rank(ask(strategy="improve", top_k=1, own=tuple(own)), learner))[0]
        own.append(own_run(configuration))
    best = max(accuracy(c, 5) for c in answered(rank(ask(top_k=GRID_SIZE), learner)) + [_config(r) for r in own])
    assert max(run.targets["accuracy"] for run in own) == best


def _config(run: OwnRun):
    return {path.removeprefix("hyperparameters."): value for path, value in run.inputs.items()}


def test_predictions_are_complete_ordered_and_json(learner):
    for entry in rank(ask(top_k=5), learner).configurations:
        assert set(entry["predicted"]) == {"accuracy", "duration_seconds"}
        for p in entry["predicted"].values():
            assert p["lower"] <= p["mean"] <= p["upper"]
            assert p["std"] > 0
            assert all(type(x) is float for x in p.values())
        assert 0 <= entry["probability_of_failure"] <= 1
        assert entry["probability_feasible"] == 1.0
        assert 0 <= entry["novelty"] <= 1


def test_what_fails_comes_last(learner):
    ranking = rank(ask(top_k=GRID_SIZE), learner)
    depths = [entry["configuration"].get("depth", 0) for entry in ranking.configurations]
    assert all(d <= 8 for d in depths[:20])
    assert depths[-1] > 8
    assert any("succeed" in warning for warning in ranking.warnings)


def test_outcome_constraints_are_kept_with_their_confidence(learner):
    limit = 1.0
    free = rank(ask(), learner).configurations[0]
    bound = OutcomeConstraint(metric="duration_seconds", op="<=", value=limit, confidence=0.9)
    ranking = rank(ask(outcome_constraints=(bound,)), learner)
    assert seconds(free["configuration"], 5) > limit
    for entry in ranking.configurations[:5]:
        assert entry["probability_feasible"] >= 0.9
        assert seconds(entry["configuration"], 5) <= limit


def test_a_limit_nobody_can_keep_is_told_and_the_likeliest_come_first(learner):
    bound = OutcomeConstraint(metric="duration_seconds", op="<=", value=1e-6, confidence=0.9)
    ranking = rank(ask(outcome_constraints=(bound,)), learner)
    feasible = [entry["probability_feasible"] for entry in ranking.configurations]
    assert len(feasible) == 10
    assert any("outcome constraints" in warning for warning in ranking.warnings)


def test_several_objectives_are_ranked_by_pareto_front(learner):
    ranking = rank(ask(objectives=(ACCURACY, SECONDS), top_k=20), learner)
    fronts = [entry["pareto_front"] for entry in ranking.configurations]
    assert fronts[0] == 0
    assert fronts == sorted(fronts)
    first = [entry for entry in ranking.configurations if entry["pareto_front"] == 0]
    assert len(first) >= 3  # there is a trade-off between depth and time
    for a in first:
        for b in first:
            better = a["predicted"]["accuracy"]["mean"] > b["predicted"]["accuracy"]["mean"]
            faster = a["predicted"]["duration_seconds"]["mean"] < b["predicted"]["duration_seconds"]["mean"]
            assert not (better and faster)


def test_a_batch_spreads_around_what_is_pending_and_around_itself(learner):
    own = tuple(own_run(c) for c in answered(rank(ask(SPACE, top_k=4), learner)))
    batch = answered(rank(ask(SPACE, strategy="improve", top_k=8, own=own), learner))
    alone = answered(rank(ask(SPACE, strategy="improve", top_k=1, own=own), learner))
    assert batch[0] == alone[0]
    assert len({str(c) for c in batch}) == 8
    pending = tuple(flatten(c) for c in batch[:1])
    moved = answered(rank(ask(SPACE, strategy="improve", top_k=1, own=own, pending=pending), learner))
    assert moved[0] != batch[0]


def test_constraints_of_the_space_are_kept_through_refinement(learner):
    space = {**SPACE, "constraints": ["rate * depth <= 0.2"], "forbidden": [{"family": "tree", "depth": [4, 5]}]}
    for c in answered(rank(ask(space, top_k=50), learner)):
        assert c.get("depth") not in (4, 5)
        assert c["rate"] * c.get("depth", 0) <= 0.2 + 1e-9


def test_a_space_that_allows_nothing_is_refused(learner):
    with pytest.raises(NoFeasibleConfiguration):
        rank(ask({**GRID, "constraints": ["rate > 2"]}), learner)


def test_explicit_candidates_come_back_as_sent(learner):
    candidates = [{"family": "linear", "rate": 0.05}, {"hyperparameters.family": "tree", "rate": 0.05, "depth": 7}]
    ranking = rank(ask({"candidates": candidates}, top_k=2), learner)
    assert answered(ranking) == [candidates[1], candidates[0]]


def test_what_the_history_has_not_seen_is_said(learner):
    space = {"parameters": {**GRID["parameters"], "brand_new": [1, 2], "family": ["tree", "linear", "forest"]}}
    ranking = rank(ask(space, meta_features={}), learner)
    told = " ".join(ranking.warnings)
    assert "brand_new" in told
    assert "forest" in told
    assert "no meta-features" in told


def test_explanations_name_the_inputs_that_matter(learner):
    entry = rank(ask(explain=True, top_k=1), learner).configurations[0]
    effects = entry["explanation"]["accuracy"]
    assert effects[0]["input"] in ("hyperparameters.family", "hyperparameters.rate", "hyperparameters.depth")
    plain = rank(ask(top_k=1), learner)
    assert plain.similar_datasets is None
    assert not {"explanation", "origin", "nearest_runs"} & plain.configurations[0].keys()


def test_explanations_show_the_past_runs_and_datasets_an_answer_leans_on(learner):
    ranking = rank(ask(explain=True, top_k=1), learner)
    entry = ranking.configurations[0]
    origin = entry["origin"]["accuracy"]
    assert (origin["own_runs"], origin["doubt_removed"]) == (0.0, 0.0)
    nearest = entry["nearest_runs"]
    assert [run["likeness"] for run in nearest] == sorted((run["likeness"] for run in nearest), reverse=True)
    assert all(run["id"] in learner.memory.ids and "accuracy" in run["reached"] for run in nearest)
    assert {d["by"] for d in ranking.similar_datasets} == {"meta_features"}
    # meta-features of dataset 5 are those of no dataset in the history, but closest to its neighbours'
    assert ranking.similar_datasets[0]["likeness"] >= ranking.similar_datasets[-1]["likeness"]


def test_own_runs_show_in_the_explanation(learner):
    own = tuple(own_run(c) for c in answered(rank(ask(SPACE, top_k=8, strategy="explore"), learner)))
    ranking = rank(ask(SPACE, own=own, explain=True, top_k=1, strategy="improve"), learner)
    origin = ranking.configurations[0]["origin"]["accuracy"]
    assert origin["own_runs"] != 0.0
    assert 0.0 < origin["doubt_removed"] <= 1.0
    assert {d["by"] for d in ranking.similar_datasets} == {"own_runs"}
    assert all(-1.0 <= d["likeness"] <= 1.0 for d in ranking.similar_datasets)


def test_improvement_per_second_prefers_what_is_cheap(learner):
    own = (own_run({"family": "linear", "rate": 1.0}),)
    dear, cheap = (
        rank(ask(own=own, strategy="improve", top_k=3, per=per), learner) for per in (None, "duration_seconds")
    )
    cost = [np.mean([seconds(c, 5) for c in answered(ranking)]) for ranking in (dear, cheap)]
    assert cost[1] < cost[0]
    assert len(answered(rank(ask(strategy="improve", top_k=3, per="duration_seconds"), learner))) == 3


def test_what_to_train_next_for_two_objectives_adds_to_the_trade_off(learner):
    both = (ACCURACY, SECONDS)
    own = tuple(own_run(c) for c in answered(rank(ask(objectives=both, top_k=6), learner)))
    ranking = rank(ask(objectives=both, own=own, strategy="improve", top_k=8), learner)
    fronts = [entry["pareto_front"] for entry in ranking.configurations]
    assert fronts == sorted(fronts)
    tried = {str(sorted(run.inputs.items())) for run in own}
    assert not tried & {str(sorted(flatten(c).items())) for c in answered(ranking)}
    again = rank(ask(objectives=both, own=own, strategy="improve", top_k=8), learner)
    assert answered(again) == answered(ranking)


def test_an_adapted_answer_does_not_depend_on_the_order_of_own_runs(learner):
    own = [own_run(c) for c in answered(rank(ask(top_k=6), learner))]
    one, other = (rank(ask(own=tuple(runs)), learner) for runs in (own, own[::-1]))
    assert answered(one) == answered(other)


def test_a_failed_own_run_counts_against_its_neighbours(learner):
    good = answered(rank(ask(SPACE, top_k=1), learner))[0]
    own = (own_run(good), own_run({**good, "rate": good["rate"] * 1.01}, state="failed"))
    assert np.isfinite(rank(replace(ask(SPACE), own=own), learner).configurations[0]["score"])


def test_a_large_space_is_scored_whole_and_own_runs_reorder_its_head(learner):
    space = {"parameters": {"rate": {"type": "float", "low": 0.001, "high": 1.0, "step": 1e-5}, "family": ["linear"]}}
    own = (own_run({"family": "linear", "rate": 0.05}),)
    ranking = rank(ask(space, own=own, strategy="improve", top_k=3), learner)
    assert (ranking.enumeration, ranking.space_size, ranking.candidates_ranked) == ("exhaustive", 99_901, 99_900)
    assert any("own runs reordered" in warning for warning in ranking.warnings)
    assert all(0.005 < c["rate"] < 0.5 for c in answered(ranking))
