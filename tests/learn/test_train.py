from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from app.errors import NothingToLearn
from app.featurise.featuriser import Featuriser
from app.featurise.frame import columns_of, run_table
from app.learn.bundle import from_bytes
from app.learn.train import train
from tests.histories import accuracy, configuration, history, meta_features, seconds, table


def held_out_candidates(n: int = 300):
    rng = np.random.default_rng(42)
    configurations = [configuration(rng) for _ in range(n)]
    inputs = columns_of([{f"hyperparameters.{k}": v for k, v in c.items()} for c in configurations])
    return configurations, inputs


def test_it_ranks_a_dataset_it_has_never_seen(learner):
    configurations, inputs = held_out_candidates()
    X = learner.featuriser.transform(inputs, [meta_features(5)], np.zeros(300, dtype=np.int64)).X
    truth = np.array([accuracy(c, 5) for c in configurations])
    target = learner.targets["accuracy"]
    f = target.prior.points(X).f
    assert np.corrcoef(f.argsort().argsort(), truth.argsort().argsort())[0, 1] > 0.85
    regret = (truth.max() - truth[np.argmax(f)]) / np.ptp(truth)
    assert regret < 0.1


def test_a_dataset_without_meta_features_is_ranked_as_if_nobody_had_any(learner):
    configurations, inputs = held_out_candidates()
    X = learner.featuriser.transform(inputs, [{}], np.zeros(300, dtype=np.int64)).X
    informed, dataset_free, _ = learner.targets["accuracy"].prior.views
    truths = [np.array([accuracy(c, dataset) for c in configurations]) for dataset in range(8)]
    of_informed, of_dataset_free = (
        np.mean([spearmanr(view.predict(X), truth).statistic for truth in truths]) for view in (informed, dataset_free)
    )
    assert of_informed > of_dataset_free - 0.02


def test_predictions_are_in_the_unit_and_intervals_hold_the_outcome(learner):
    configurations, inputs = held_out_candidates()
    X = learner.featuriser.transform(inputs, [meta_features(5)], np.zeros(300, dtype=np.int64)).X
    for name, truth in (("accuracy", accuracy), ("duration_seconds", seconds)):
        target = learner.targets[name]
        y = np.array([truth(c, 5) for c in configurations])
        predicted = target.zero_shot(target.prior.points(X).f, target.dataset_prior(X))
        assert (predicted.lower <= predicted.mean).all()
        assert (predicted.mean <= predicted.upper).all()
        assert ((predicted.lower <= y) & (y <= predicted.upper)).mean() > 0.8
    assert (target.zero_shot(target.prior.points(X).f, target.dataset_prior(X)).lower > 0).all()


@pytest.mark.parametrize(("name", "truth"), [("accuracy", accuracy), ("duration_seconds", seconds)])
def test_intervals_hold_about_as_often_where_nothing_tells_a_dataset_from_others(learner, name, truth):
    configurations, inputs = held_out_candidates(100)
    target, between = learner.targets[name], np.arange(0.5, 10)  # as many rows as lie between two datasets' of history

    def predicted(known):
        X = learner.featuriser.transform(inputs, [known], np.zeros(100, dtype=np.int64)).X
        return target.zero_shot(target.prior.points(X).f, target.dataset_prior(X))

    def held(prediction, dataset):
        y = np.array([truth(c, dataset) for c in configurations])
        return ((prediction.lower <= y) & (y <= prediction.upper)).mean()

    told, blind = [predicted(meta_features(d)) for d in between], predicted({})
    of_told = np.mean([held(p, d) for p, d in zip(told, between, strict=True)])
    of_blind = np.mean([held(blind, d) for d in between])
    assert of_told > 0.85
    assert of_blind > 0.85
    assert np.median(blind.upper - blind.lower) > np.median([p.upper - p.lower for p in told])
    partly = predicted({"n_rows": meta_features(5)["n_rows"]})  # any meta-feature is better than none
    assert np.median(partly.upper - partly.lower) < np.median(blind.upper - blind.lower)


def test_own_runs_narrow_the_interval_and_correct_the_mean(learner):
    configurations, inputs = held_out_candidates()
    X = learner.featuriser.transform(inputs, [meta_features(5)], np.zeros(300, dtype=np.int64)).X
    target = learner.targets["accuracy"]
    points, prior = target.prior.points(X), target.dataset_prior(X)
    y = np.array([accuracy(c, 5) for c in configurations])
    before = target.zero_shot(points.f, prior)
    own = np.arange(25)
    after = target.few_shot(points, target.posterior(prior, points.take(own), y[own], 1.0), 1.0)
    rest = np.arange(25, 300)
    assert np.abs(after.mean - y)[rest].mean() < np.abs(before.mean - y)[rest].mean()
    assert np.median(after.upper - after.lower) < np.median(before.upper - before.lower)


def test_failures_are_learned(learner):
    rows = [
        {"hyperparameters.family": "tree", "hyperparameters.rate": 0.05, "hyperparameters.depth": d} for d in (3, 10)
    ]
    X = learner.featuriser.transform(columns_of(rows), [meta_features(5)], np.zeros(2, dtype=np.int64)).X
    safe, doomed = learner.failure(np.asfortranarray(X))
    assert safe < 0.2
    assert doomed > 0.8


def test_the_report_compares_with_random_and_is_json(trained):
    report = json.loads(json.dumps(trained.report))
    figures = report["targets"]["accuracy"]
    assert figures["n_held_out_datasets"] == 10
    for k in ("1", "5", "10"):
        assert figures["regret"]["maximize"]["meta_learner"][k] < figures["regret"]["maximize"]["random"][k]
    assert 0.75 <= figures["coverage"] <= 1.0
    assert figures["rank_correlation"] > 0.7
    assert set(report["targets"]["duration_seconds"]["regret"]) == {"minimize"}


def test_the_report_tells_what_it_relies_on_and_how_reliable_its_intervals_are(trained):
    figures = trained.report["targets"]["accuracy"]
    shares = figures["importance"]
    assert sum(shares.values()) == pytest.approx(1.0)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)
    assert "hyperparameters.rate" in list(shares)[:3]
    levels = [point["level"] for point in figures["calibration"]]
    covered = [point["covered"] for point in figures["calibration"]]
    assert levels == sorted(levels)
    assert covered == sorted(covered)
    assert all(abs(share - level) < 0.2 for share, level in zip(covered, levels, strict=True))


def test_the_first_meta_learner_serves(trained):
    assert trained.verdict.promoted
    assert (trained.n_runs, trained.n_datasets) == (300, 10)


@pytest.fixture(scope="module")
def small():
    return table(history(range(8), 15))


@pytest.fixture(scope="module")
def champion(small):
    return train(small, seed=0, threads=2)


def test_a_challenger_that_learned_nonsense_does_not_serve(small, champion):
    """Its own history is shuffled, so it predicts nothing; the champion is judged on the same shuffled runs, and loses
    nothing there that it had. So the challenger is made from noise but judged on the truth."""
    from app.learn.promotion import decide, held_out_correlations

    rng = np.random.default_rng(0)
    noise = replace(small, targets={name: rng.permutation(y) for name, y in small.targets.items()})
    nonsense = from_bytes(train(noise, seed=0, threads=1).content)
    verdict = decide(held_out_correlations(nonsense, small), held_out_correlations(from_bytes(champion.content), small))
    assert not verdict.promoted
    assert "worse" in verdict.reason
    assert verdict.figures["difference"] < -0.2


def test_a_refit_on_the_same_history_serves_and_says_why(small, champion):
    again = train(small, seed=1, threads=1, previous=champion.content)
    assert again.verdict.promoted
    assert again.verdict.figures["n_compared"] == 8
    assert "not worse" in again.verdict.reason


def test_the_same_history_and_seed_give_the_same_bytes_on_any_number_of_threads(small, champion):
    assert train(small, seed=0, threads=1).content == champion.content


def test_too_little_is_refused_with_a_reason():
    with pytest.raises(NothingToLearn, match="no target is reported by 10"):
        train(table(history([1], 5)), seed=0)


def test_one_dataset_is_enough_to_serve_though_not_to_validate():
    trained = train(table(history([3], 15)), seed=0, threads=1)
    assert trained.report["targets"]["accuracy"]["n_held_out_datasets"] == 1


@pytest.mark.parametrize("poison", [0.7, 1e300, -1e300])
def test_constant_and_absurd_targets_break_nothing(poison):
    runs = table(history(range(4), 12))
    accuracy_ = runs.targets["accuracy"].copy()
    if poison == 0.7:
        accuracy_[:] = poison
    else:
        accuracy_[::7] = poison
    trained = train(replace(runs, targets={**runs.targets, "accuracy": accuracy_}), seed=0, threads=1)
    n_implausible = trained.report["targets"]["accuracy"]["n_implausible"]
    assert n_implausible == (0 if poison == 0.7 else len(accuracy_[::7]))
    learner = from_bytes(trained.content)
    _, inputs = held_out_candidates(20)
    X = learner.featuriser.transform(inputs, [meta_features(5)], np.zeros(20, dtype=np.int64)).X
    target = learner.targets["accuracy"]
    assert np.isfinite(target.zero_shot(target.prior.points(X).f, target.dataset_prior(X)).mean).all()


def test_one_training_of_minus_one_second_keeps_no_other_off_the_log():
    runs = table(history(range(4), 12))
    seconds = runs.targets["duration_seconds"].copy()
    seconds[3] = -1.0
    trained = train(replace(runs, targets={**runs.targets, "duration_seconds": seconds}), seed=0, threads=1)
    assert from_bytes(trained.content).targets["duration_seconds"].scale.log
    assert trained.report["targets"]["duration_seconds"]["n_implausible"] == 1


@pytest.mark.parametrize(("n_datasets", "metric"), [(2, 0.7), (150, None)], ids=["constant", "a run a dataset"])
def test_scores_that_do_not_vary_are_learned_from_however_many(n_datasets, metric):
    """More than a hundred, where CatBoost samples."""
    runs = table(history([0], 150))
    names = tuple(f"data-{i}" for i in range(n_datasets))
    accuracy_ = runs.targets["accuracy"] if metric is None else np.full(len(runs), metric)
    alike = replace(
        runs,
        datasets=names,
        meta_features=({},) * n_datasets,
        dataset=np.arange(len(runs)) % n_datasets,
        targets={"accuracy": accuracy_},
        resources=frozenset(),
    )
    assert train(alike, seed=0, threads=1).verdict.promoted


def test_many_outcomes_of_one_configuration_are_noise():
    runs = table(history(range(4), 12))
    alike = {path: column.take(np.zeros(len(runs), dtype=np.int64)) for path, column in runs.inputs.items()}
    assert train(replace(runs, inputs=alike), seed=0, threads=1).verdict.promoted


def test_inputs_that_never_vary_leave_a_rate_and_a_mean():
    runs = table(history(range(4), 12))
    trained = train(replace(runs, inputs={}, meta_features=({},) * 4), seed=0, threads=1)
    learner = from_bytes(trained.content)
    X = learner.featuriser.transform({}, [{}], np.zeros(3, dtype=np.int64)).X
    target = learner.targets["accuracy"]
    assert np.ptp(target.prior.points(X).f) == 0


def test_what_a_configuration_costs_more_is_learned_where_nothing_tells_what_a_dataset_costs():
    """Levels four doublings apart, without meta-features: from the logarithm itself the difference was not found."""
    runs = run_table(history([0, 1, 2, 3, 4, 6, 7, 8], 25), {f"data-{d}": {} for d in range(10)})
    target = from_bytes(train(runs, seed=0, threads=1).content).targets["duration_seconds"]
    configurations, _ = held_out_candidates(100)
    flat = columns_of([{f"hyperparameters.{k}": v for k, v in c.items()} for c in configurations])
    X = Featuriser.fit(runs).transform(flat, [{}], np.zeros(100, dtype=np.int64)).X
    truth = np.log([seconds(c, 5) for c in configurations])
    predicted = target.zero_shot(target.prior.points(X).f, target.dataset_prior(X))
    assert np.corrcoef(np.log(predicted.mean), truth)[0, 1] > 0.95
    held = (predicted.lower <= np.exp(truth)) & (np.exp(truth) <= predicted.upper)
    assert held.mean() > 0.9
