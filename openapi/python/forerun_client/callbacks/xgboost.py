"""XGBoost: `xgboost.train(..., evals=..., callbacks=[ForerunCallback(run)])`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xgboost.callback import TrainingCallback

from forerun_client.run import Run


class ForerunCallback(TrainingCallback):
    """Logs every evaluation as `<data>_<metric>`, and stops nothing."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

    def after_iteration(self, model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, Sequence[Any]]]) -> bool:
        latest = {
            f"{data}_{metric}": _value(values[-1])
            for data, metrics in evals_log.items()
            for metric, values in metrics.items()
        }
        self._run.log(latest, step=epoch + 1)
        return False


def _value(latest: Any) -> float:
    """Of cross-validation xgboost gives mean and standard deviation."""
    return float(latest[0] if isinstance(latest, tuple) else latest)
