"""Learning on from new runs: sketches stand for the history, and what comes of it is a meta-learner like any other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from catboost import CatBoostRegressor
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import CorruptBundle, NothingToLearn
from app.learn.bundle import from_bytes, to_bytes
from app.learn.continuation import LEVELS, REPLAYED, Continuation, Sketch, evenly
from app.learn.increment import learn_on
from app.learn.scores import rank_scores
from app.learn.train import Trained
from tests.histories import history, table


def everywhere(n: int) -> np.ndarray:
    return np.ones(n, dtype=np.bool_)


@settings(max_examples=50, deadline=None)
@given(st.integers(30, 200), st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_a_sketch_ranks_new_runs_as_the_whole_history_does(n_old: int, n_new: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    v = rng.normal(size=n_old + n_new)
    dataset = np.zeros(len(v), dtype=np.int64)
    sketch = Sketch.of(v[:n_old], dataset[:n_old], everywhere(n_old), 1)
    z = sketch.scores(v[n_old:], dataset[n_old:], everywhere(n_new))
    expected = rank_scores(v, dataset, everywhere(len(v)))[n_old:]
    inside = np.abs(expected) < 2.0
    assert np.abs(z - expected)[inside].max(initial=0.0) < 0.35
    assert np.corrcoef(np.argsort(np.argsort(z)), np.argsort(np.argsort(v[n_old:])))[0, 1] > 0.99 if n_new > 5 else True


def test_a_dataset_that_no_sketch_knows_is_ranked_by_itself() -> None:
    rng = np.random.default_rng(0)
    v, dataset = rng.normal(size=40), np.repeat([0, 1], 20)
    reference = rng.uniform(size=40) < 0.7
    sketch = Sketch.of(np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.bool_), 0)
    np.testing.assert_allclose(sketch.scores(v, dataset, reference), rank_scores(v, dataset, reference))


def test_a_sketch_that_grows_in_steps_stays_near_the_one_made_at_once() -> None:
    v = np.random.default_rng(0).lognormal(size=600)
    dataset = np.zeros(600, dtype=np.int64)
    whole = Sketch.of(v, dataset, everywhere(600), 1)
    grown = Sketch.of(v[:100], dataset[:100], everywhere(100), 1)
    for start in range(100, 600, 50):
        rows = slice(start, start + 50)
        grown = grown.with_more(v[rows], dataset[rows], everywhere(50), 1)
    assert grown.counts.tolist() == [600]
    middle = np.abs(LEVELS) <= 1.5
    away = np.log(grown.values[0][middle]) - np.log(whole.values[0][middle])  # in standard deviations of these values
    assert np.abs(away).max() < 0.25


@given(st.integers(0, 50), st.integers(-3, 60))
def test_rows_are_kept_evenly(n: int, kept: int) -> None:
    rows = np.flatnonzero(evenly(n, kept))
    assert len(rows) == min(n, max(kept, 0))
    if len(rows) > 1:
        assert (rows[0], rows[-1]) == (0, n - 1)
        assert np.diff(rows).max() - np.diff(rows).min() <= 1


def test_what_increments_start_from_survives_its_bytes(trained: Trained) -> None:
    state = Continuation.from_bytes(trained.continuation)
    assert (state.n_runs, state.n_runs_at_full, state.n_increments) == (trained.n_runs, trained.n_runs, 0)
    assert len(state.datasets) == 10
    assert state.to_bytes() == trained.continuation
    for damaged in (b"", b"torn", trained.continuation[:-30]):
        with pytest.raises(CorruptBundle):
            Continuation.from_bytes(damaged)


def test_new_runs_are_learned_and_old_ones_not_forgotten(trained: Trained) -> None:
    new = table(history([5], 60, seed=9))
    grown = learn_on(trained.content, trained.continuation, new, threads=1)
    before, after = from_bytes(trained.content), from_bytes(grown.content)
    assert (after.n_runs, grown.n_runs, grown.n_datasets) == (trained.n_runs + 60,) * 2 + (11,)
    assert after.folds == {**before.folds, "data-5": after.folds["data-5"]}
    assert after.memory.datasets[-1] == "data-5"
    assert len(after.memory.meta_features) == 11
    held = table(history([5], 200, seed=10))
    frame = after.featuriser.transform(held.inputs, held.meta_features, held.dataset)
    y = np.argsort(np.argsort(held.targets["accuracy"]))

    def correlation(learner: object) -> float:
        return float(np.corrcoef(np.argsort(np.argsort(learner.targets["accuracy"].prior.scores(frame.X))), y)[0, 1])

    assert correlation(after) > correlation(before)
    old = before.featuriser.transform(*_inputs(range(5)))
    f, g = (learner.targets["accuracy"].prior.scores(old.X) for learner in (before, after))
    assert np.sqrt(np.mean((f - g) ** 2)) < 0.15 * np.std(f)


def _inputs(datasets: range) -> tuple:
    old = table(history(datasets, 30, seed=11))
    return old.inputs, old.meta_features, old.dataset


def test_the_same_runs_and_seed_give_the_same_bytes_whatever_the_threads(trained: Trained) -> None:
    new = table(history([5, 6], 12, seed=9))
    first, second = (learn_on(trained.content, trained.continuation, new, seed=1, threads=n) for n in (1, 2))
    assert first.content == second.content
    assert first.continuation == second.continuation


def test_increments_follow_one_another_and_what_they_keep_stays_small(trained: Trained) -> None:
    step = trained
    for i in range(3):
        step = learn_on(step.content, step.continuation, table(history([20 + i], 15, seed=i)), threads=1)
    state = Continuation.from_bytes(step.continuation)
    assert (state.n_runs, state.n_runs_at_full, state.n_increments) == (trained.n_runs + 45, trained.n_runs, 3)
    assert len(state.replay.X) <= REPLAYED
    assert set(state.replay.dataset) >= {10, 11, 12}
    assert step.report["n_increments"] == 3


def test_nothing_new_is_nothing_to_learn(trained: Trained) -> None:
    with pytest.raises(NothingToLearn):
        learn_on(trained.content, trained.continuation, table([]))
    alone = table([*history([30], 1, seed=3)])
    assert learn_on(trained.content, trained.continuation, alone).n_runs == trained.n_runs + 1


def test_a_member_that_may_see_none_of_the_new_runs_stays_as_it_is(trained: Trained) -> None:
    grown = learn_on(trained.content, trained.continuation, table(history([5], 20, seed=9)))
    before, after = from_bytes(trained.content), from_bytes(grown.content)
    changed = set()
    for name, target in after.targets.items():
        was = before.targets[name].prior
        for old, new in zip(was.views[:-1], target.prior.views[:-1], strict=True):
            changed |= {k for k, pair in enumerate(zip(old.models, new.models, strict=True)) if differ(*pair)}
    assert changed == set(range(5)) - {after.folds["data-5"]}


def differ(one: CatBoostRegressor, other: CatBoostRegressor) -> bool:
    return bool(one.tree_count_ != other.tree_count_)


def test_the_mean_response_moves_by_the_share_of_new_datasets(trained: Trained) -> None:
    """Only where a dataset is new, and the blend listens to it."""
    learner = from_bytes(trained.content)
    listening = {}
    for name, target in learner.targets.items():
        blend = np.full_like(target.prior.blend, 1.0)
        listening[name] = replace(target, prior=replace(target.prior, blend=blend))
    champion = to_bytes(replace(learner, targets=listening))
    known, new = (
        from_bytes(learn_on(champion, trained.continuation, table(history([dataset], 40, seed=9))).content)
        for dataset in (3, 5)
    )
    X = learner.featuriser.transform(*_inputs(range(5))).X
    said, same, moved = (who.targets["accuracy"].prior.views[-1].predict(X) for who in (learner, known, new))
    np.testing.assert_array_equal(said, same)
    assert 0.0 < np.sqrt(np.mean((moved - said) ** 2)) < np.std(said)


def test_of_many_new_runs_a_sample_is_shown(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[int] = []

    def continued(model: CatBoostRegressor, X: np.ndarray, z: np.ndarray, **_: object) -> CatBoostRegressor:
        shown.append(len(X))
        return model

    monkeypatch.setattr("app.learn.increment.MAX_SHOWN", 30)
    monkeypatch.setattr("app.learn.increment.continue_member", continued)
    grown = learn_on(trained.content, trained.continuation, table(history([5, 6], 100, seed=9)))
    replayed = len(Continuation.from_bytes(trained.continuation).replay.X)
    assert max(shown) <= replayed + 40
    assert grown.n_runs == trained.n_runs + 200
