"""What was measured, as arrays."""

from __future__ import annotations

import numpy as np
import pytest

from app.featurise.targets import targets_of
from tests.featurise.histories import stored


def test_every_number_measured_is_a_target() -> None:
    runs = [
        stored(metrics={"accuracy": 0.5}, resources={"seconds": 3}).run,
        stored(metrics={"accuracy": 0.7, "loss": 1.0}).run,
    ]
    targets, resources = targets_of(runs)
    assert list(targets) == ["accuracy", "loss", "seconds"]
    np.testing.assert_array_equal(targets["loss"], [np.nan, 1.0])
    np.testing.assert_array_equal(targets["seconds"], [3.0, np.nan])
    assert targets["seconds"].dtype == np.float64
    assert resources == {"seconds"}


@pytest.mark.parametrize(("n_metric", "n_resource", "is_resource"), [(1, 2, True), (2, 1, False), (1, 1, False)])
def test_most_runs_decide_where_a_name_belongs(n_metric: int, n_resource: int, is_resource: bool) -> None:
    runs = [stored(metrics={"seconds": 1.0}).run] * n_metric
    runs += [stored(resources={"seconds": 2.0}).run] * n_resource
    targets, resources = targets_of(runs)
    assert ("seconds" in resources) is is_resource
    assert targets["seconds"].tolist() == [1.0] * n_metric + [2.0] * n_resource


CURVE = [
    {"step": 2, "metrics": {"accuracy": 0.6}},
    {"step": 1, "metrics": {"accuracy": 0.4, "loss": 2.0}},
    {"step": 2, "metrics": {"accuracy": 0.65}},
]


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_the_end_of_the_curve_stands_in_for_what_an_unfinished_run_does_not_report(state: str) -> None:
    run = stored(state=state, metrics={}, learning_curve=CURVE).run
    targets, _ = targets_of([run])
    assert {name: values.tolist() for name, values in targets.items()} == {"accuracy": [0.65], "loss": [2.0]}
    reported = stored(state=state, metrics={"accuracy": 0.9}, learning_curve=CURVE).run
    assert targets_of([reported])[0]["accuracy"].tolist() == [0.9]


@pytest.mark.parametrize(("state", "metrics"), [("failed", {}), ("completed", {"auc": 0.5})])
def test_the_curve_of_a_finished_run_is_not_its_outcome(state: str, metrics: dict[str, float]) -> None:
    targets, _ = targets_of([stored(state=state, metrics=metrics, learning_curve=CURVE).run])
    assert targets.keys() == metrics.keys()
