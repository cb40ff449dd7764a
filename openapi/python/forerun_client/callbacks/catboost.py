"""CatBoost: `model.fit(..., eval_set=..., callbacks=[ForerunCallback(run)])`."""

from __future__ import annotations

from typing import Any

from forerun_client.run import Run


class ForerunCallback:
    """Logs every evaluation as `<data>_<metric>`, such as `validation_Logloss`, and stops nothing."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def after_iteration(self, info: Any) -> bool:
        latest = {
            f"{data}_{name}": values[-1] for data, found in info.metrics.items() for name, values in found.items()
        }
        self._run.log(latest, step=info.iteration)
        return True
