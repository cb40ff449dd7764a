from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from app.learn.scores import (
    anchored,
    centred,
    natural_bounds,
    plausible,
    rank_scores,
    reference_runs,
    rows_by_dataset,
    spans_decades,
    winsorised,
)
from app.space.columns import NumericColumn
from app.types import RunTable

values = hnp.arrays(np.float64, st.integers(1, 60), elements=st.integers(-1000, 1000).map(float))


@given(values, st.integers(1, 4), st.randoms(use_true_random=False))
def test_scores_do_not_depend_on_a_monotone_change_of_unit_within_each_dataset(v, n_datasets, random):
    dataset = np.array([random.randrange(n_datasets) for _ in v])
    everything = np.ones(len(v), dtype=bool)
    stretched = np.array([10.0 * x + 100.0 * d + (x / 1000) ** 3 for x, d in zip(v, dataset, strict=True)])
    assert np.allclose(rank_scores(v, dataset, everything), rank_scores(stretched, dataset, everything))


@given(values)
def test_scores_keep_the_order_and_turn_round_with_the_target(v):
    one, everything = np.zeros(len(v), dtype=int), np.ones(len(v), dtype=bool)
    z = rank_scores(v, one, everything)
    assert (np.diff(z[np.argsort(v, kind="stable")]) >= -1e-12).all()
    assert np.allclose(rank_scores(-v, one, everything), -z)


def test_one_run_says_nothing_and_two_say_little():
    one = rank_scores(np.array([5.0]), np.array([0]), np.array([True]))
    two = rank_scores(np.array([5.0, 9.0]), np.array([0, 0]), np.array([True, True]))
    assert one.tolist() == [0.0]
    assert np.allclose(two, [-0.43, 0.43], atol=0.01)


def test_runs_outside_the_reference_are_placed_on_its_scale():
    v = np.array([1.0, 2.0, 3.0, 0.0])  # the last at a lower fidelity: worse than all
    z = rank_scores(v, np.zeros(4, dtype=int), np.array([True, True, True, False]))
    assert z[3] < z[0] < z[1] < z[2]


def test_a_small_dataset_of_good_configurations_is_lifted_and_a_large_one_is_not():
    dataset = np.array([0] * 3 + [1] * 200)
    z, expected = np.zeros(203), np.full(203, 1.0)
    shifted = anchored(z, expected, dataset, np.ones(203, dtype=bool))
    assert np.allclose(shifted[:3], 10 / 13)
    assert (shifted[3:] < 0.05).all()


def test_the_fully_trained_runs_are_the_reference_where_there_are_enough():
    epochs = np.array([50.0] * 10 + [3.0] * 10)
    table = RunTable(
        ("a",),
        ({},),
        np.zeros(20, dtype=np.int64),
        np.full(20, "completed"),
        {"fidelity.epochs": NumericColumn(epochs)},
        {},
        frozenset(),
        np.zeros(20),
        np.zeros(20, "V16"),
    )
    assert reference_runs(table).tolist() == [True] * 10 + [False] * 10


def test_what_spans_decades_is_read_on_the_log():
    dataset = np.repeat([0, 1], 20)
    losses, shares = np.tile(np.logspace(-3, 1, 20), 2), np.tile(np.linspace(0.5, 0.9, 20), 2)
    assert spans_decades(losses, dataset, resource=False)
    assert not spans_decades(shares, dataset, resource=False)
    assert spans_decades(shares, dataset, resource=True)
    assert not spans_decades(shares - 0.6, dataset, resource=True)
    assert spans_decades(np.where(np.arange(40) % 2, 1.0, 5e-324), dataset, resource=False)


@given(values)
def test_winsorising_only_raises_and_keeps_the_best(v):
    w = winsorised(v)
    assert (w >= v).all()
    assert w.max() == v.max()


def test_rows_are_grouped_by_dataset_in_their_order():
    assert [rows.tolist() for rows in rows_by_dataset(np.array([2, 0, 2, 1, 0]))] == [[1, 4], [3], [0, 2]]


def test_what_nothing_measures_is_implausible_and_a_diverged_loss_is_not():
    accuracies = np.linspace(0.5, 0.9, 20)
    absurd = np.array([1e300, -1e300, 1e17, np.nan])
    both = np.concatenate([accuracies, absurd])
    assert plausible(both, resource=False).tolist() == [True] * 20 + [False] * 4
    assert plausible(np.append(accuracies, [1e9, -1.0]), resource=False).all()
    assert plausible(np.append(accuracies, [0.0, -1.0]), resource=True).tolist() == [True] * 21 + [False]
    assert plausible(np.zeros(5), resource=True).all()
    assert not plausible(np.full(3, np.nan), resource=False).any()


@given(values, st.floats(1e-200, 1e200))
def test_what_is_plausible_does_not_depend_on_the_unit(v, unit):
    assert plausible(v * unit, resource=False).all() or np.abs(np.quantile(v, [0.25, 0.75])).max() == 0


def test_a_percentage_is_told_by_several_datasets_that_come_near_100_and_none_beyond():
    dataset = np.repeat(np.arange(4), 10)
    accuracy = np.linspace(10, 97, 10)[None, :].repeat(4, axis=0).ravel()
    assert natural_bounds(accuracy, dataset, resource=False) == (0.0, 100.0)
    assert natural_bounds(accuracy, np.zeros(40, np.int64), resource=False) == (0.0, None)
    assert natural_bounds(accuracy + 4, dataset, resource=False) == (0.0, None)
    assert natural_bounds(accuracy / 100, dataset, resource=False) == (0.0, 1.0)
    assert natural_bounds(accuracy - 20, dataset, resource=False) == (None, None)


def test_nothing_bounds_what_a_training_may_consume():
    seconds = np.array([0.1, 0.5, 0.9])
    assert natural_bounds(seconds, np.arange(3), resource=True) == (0.0, None)


def test_what_a_dataset_costs_as_a_whole_is_no_part_of_a_configurations_score():
    rng = np.random.default_rng(0)
    dataset = np.repeat(np.arange(5), 20)
    effect = np.tile(rng.normal(size=20), 5)
    z = centred(10.0 * dataset + effect, dataset)
    assert np.allclose(z, (effect - effect[:20].mean()) / effect[:20].std())
    assert (centred(np.ones(3), np.zeros(3, np.int64)) == 0).all()
