"""LightGBM: `lightgbm.train(..., valid_sets=..., callbacks=[forerun_callback(run)])`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from forerun_client.run import Run


def forerun_callback(run: Run) -> Callable[[Any], None]:
    """Logs every evaluation as `<data>_<metric>`."""

    def after_iteration(environment: Any) -> None:
        evaluations = environment.evaluation_result_list or ()
        run.log({f"{data}_{metric}": value for data, metric, value, *_ in evaluations}, step=environment.iteration + 1)

    after_iteration.order = 20  # type: ignore[attr-defined]  # LightGBM reads it: before early stopping, which raises
    return after_iteration
