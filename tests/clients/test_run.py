"""The context manager: what is measured, how a run ends, and that a training never suffers from it."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.featurise.describe import describe as describe_as_the_service_does
from app.types import Run as RunAsTheServiceReadsIt
from forerun_client import Forerun, InvalidRequest, Run, SpoolFull, inputs_of
from forerun_client.hardware import PeakMemory
from forerun_client.meta_features import describe_frame
from forerun_client.values import plain
from tests.acceptance.service import free_port


class Recorder:
    """Begins runs, and keeps what they submit."""

    def __init__(self, directory: Path) -> None:
        self.submitted: list[dict[str, Any]] = []
        self._client = Forerun(f"http://127.0.0.1:{free_port()}", spool=directory)
        self._client.submit = self.submitted.append  # type: ignore[method-assign, assignment]  # a spy

    def __call__(self, **given: Any) -> Run:
        return self._client.run("tabular", **{"dataset": "iris", **given})

    def one(self) -> RunAsTheServiceReadsIt:
        """The only run, which the service's own model must accept."""
        (run,) = self.submitted
        return RunAsTheServiceReadsIt.model_validate(run)


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder(tmp_path)
    yield recorder
    recorder._client.close()


def test_a_training_is_timed_and_measured(begin: Recorder) -> None:
    with begin(hyperparameters={"C": np.float32(0.5), "layers": (64, 32)}, tags={"team": "risk"}) as run:
        run.log(step=1, accuracy=0.5)
        run.log({"val/loss": np.float64(0.2)}, step=2, accuracy=0.75)
        run.log(size=3)
    posted = begin.one()
    assert posted.state == "completed"
    assert posted.hyperparameters == {"C": 0.5, "layers": [64, 32]}
    assert posted.metrics == {"accuracy": 0.75, "val/loss": 0.2, "size": 3.0}
    assert [(point.step, point.metrics) for point in posted.learning_curve] == [
        (1.0, {"accuracy": 0.5}),
        (2.0, {"accuracy": 0.75, "val/loss": 0.2}),
    ]
    assert posted.started_at is not None
    assert posted.finished_at is not None
    assert posted.started_at <= posted.finished_at
    assert posted.resources["duration_seconds"] >= 0
    assert posted.resources["peak_memory_bytes"] > 2**20
    assert {"n_cpus", "memory_gib", "machine", "n_accelerators"} <= posted.environment.keys()
    assert posted.tags == {"team": "risk"}
    assert posted.run_id == run.run_id


def test_what_the_user_says_wins(begin: Recorder) -> None:
    with begin(environment={"accelerator": "H200", "n_accelerators": 8}, run_id="job-1") as run:
        run.log(accuracy=1)
        run.resources["duration_seconds"] = 12.0
        run.resources["energy_joules"] = 5.0
    posted = begin.one()
    assert posted.environment["n_accelerators"] == 8
    assert posted.resources["duration_seconds"] == 12.0
    assert posted.resources["energy_joules"] == 5.0
    assert posted.run_id == "job-1"


def test_a_training_that_breaks_is_a_failed_run_and_breaks_all_the_same(begin: Recorder) -> None:
    def train() -> None:
        with begin() as run:
            run.log(step=1, accuracy=0.1)
            raise MemoryError("too large")

    with pytest.raises(MemoryError, match="too large"):
        train()
    posted = begin.one()
    assert posted.state == "failed"
    assert posted.metrics == {"accuracy": 0.1}
    assert posted.tags["error"] == "MemoryError: too large"


def test_ctrl_c_and_pruning_make_it_stopped(begin: Recorder) -> None:
    with pytest.raises(KeyboardInterrupt), begin():
        raise KeyboardInterrupt
    with begin() as run:
        run.log(accuracy=0.1)
        run.stop()
    assert [run["state"] for run in begin.submitted] == ["stopped", "stopped"]


def test_a_training_that_diverged_is_a_failed_run(begin: Recorder) -> None:
    with begin() as run:
        run.log(step=1, loss=2.0)
        run.log(step=2, loss=math.nan)
    posted = begin.one()
    assert posted.state == "failed"
    assert posted.metrics == {}
    assert [point.step for point in posted.learning_curve] == [1.0]
    assert posted.tags["not_finite"] == "loss"


def test_a_training_without_a_metric_is_told(begin: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    with begin():
        pass
    assert begin.one().state == "stopped"
    assert "without a metric" in caplog.text


def test_a_full_disk_does_not_reach_the_training(begin: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    def full(_: object) -> str:
        raise SpoolFull("full")

    begin._client.submit = full  # type: ignore[method-assign, assignment]  # a spy
    with begin() as run:
        run.log(accuracy=1)
    assert f"run {run.run_id} was not recorded" in caplog.text


def test_what_json_cannot_say_is_told_before_the_training(begin: Recorder) -> None:
    with pytest.raises(TypeError, match="has no form in JSON"):
        begin(hyperparameters={"activation": object()})
    with pytest.raises(TypeError, match="nan has no form"):
        begin(hyperparameters={"C": math.nan})


def test_peak_memory_sees_what_was_freed_again() -> None:
    with PeakMemory() as memory:
        block = np.ones(2**25)  # 256 MiB, touched
        held = block.nbytes
        del block
    with PeakMemory() as quiet:
        pass
    assert memory.resources()["peak_memory_bytes"] >= held
    assert quiet.resources()["peak_memory_bytes"] > 0


# ---------------------------------------------------------------- values


class Colour(enum.Enum):
    RED = "red"


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()


@given(st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))
def test_json_stays_as_it_is(value: Any) -> None:
    assert plain(value) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(3), 3), (np.bool_(True), True), (np.array([1.5, 2.5]), [1.5, 2.5]), (Colour.RED, "red"),
        ((1, (2,)), [1, [2]]), (Path("a", "b"), "a/b"), ({1: {2}}, {"1": [2]}), (range(2), [0, 1]),
    ],
)  # fmt: skip
def test_other_values_become_json(value: Any, expected: Any) -> None:
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


def test_a_recommended_configuration_becomes_the_inputs_of_a_run() -> None:
    configuration = {"C": 1.0, "fidelity.epochs": 5, "environment.accelerator": "H200", "optimizer.name": "adam"}
    assert inputs_of(configuration) == {
        "hyperparameters": {"C": 1.0, "optimizer.name": "adam"},
        "fidelity": {"epochs": 5},
        "environment": {"accelerator": "H200"},
    }


# ---------------------------------------------------------------- meta-features


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    return pd.DataFrame(x, columns=list("abc")).assign(
        colour=rng.choice(["red", "green"], 300), label=np.where(x[:, 0] + 0.3 * x[:, 1] > 0, "yes", "no")
    )


@pytest.mark.parametrize("target", ["label", "a"])
def test_meta_features_computed_here_are_the_services(target: str) -> None:
    pa = pytest.importorskip("pyarrow")
    there = describe_as_the_service_does(pa.Table.from_pandas(frame(), preserve_index=False), target)
    assert describe_frame(frame(), target) == there
    assert there["n_rows"] == 300


def test_a_table_that_cannot_be_described_is_told() -> None:
    with pytest.raises(InvalidRequest, match="no column 'lable'"):
        describe_frame(frame(), "lable")
