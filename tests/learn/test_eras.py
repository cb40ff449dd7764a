from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.featurise.featuriser import Featuriser
from app.learn.eras import BEFORE, PATH, find_era, with_era
from app.learn.folds import assign_folds
from app.learn.scores import fold_rows
from tests.histories import history, table

DAYS = 100 * 86_400.0


@pytest.fixture(scope="module")
def steady():
    """Runs of twelve datasets, spread at random over a hundred days."""
    runs = table(history(range(12), 20))
    return replace(runs, finished_at=np.random.default_rng(0).uniform(0, DAYS, len(runs)))


def faster(runs, since):
    """From `since` on, everything takes two fifths of the time."""
    seconds = runs.targets["duration_seconds"] * np.where(runs.finished_at >= since, 0.4, 1.0)
    return replace(runs, targets={**runs.targets, "duration_seconds": seconds})


def found(runs):
    X = Featuriser.fit(runs).transform(runs.inputs, runs.meta_features, runs.dataset).X
    fold = fold_rows(runs.datasets, runs.dataset, assign_folds(runs.datasets))
    return find_era(runs, X, fold, ["accuracy", "duration_seconds"])


def test_new_hardware_that_no_input_names_is_noticed(steady):
    era = found(faster(steady, 0.8 * DAYS))
    assert era is not None
    assert era.target == "duration_seconds"
    assert 0.65 * DAYS < era.since < 0.95 * DAYS
    assert era.p_value < 0.01
    assert era.gain > 0.05


def test_a_steady_world_has_no_eras(steady):
    assert found(steady) is None


def test_what_was_all_imported_at_once_has_no_eras(steady):
    assert found(replace(faster(steady, 0.8 * DAYS), finished_at=np.zeros(len(steady)))) is None


def test_only_runs_from_before_are_told_apart(steady):
    era = found(faster(steady, 0.8 * DAYS))
    told = with_era(steady, era)
    assert ((told.inputs[PATH].codes == 0) == (steady.finished_at < era.since)).all()
    assert told.inputs[PATH].levels == (BEFORE,)
    assert with_era(steady, None) is steady
    assert with_era(told, era) is told
