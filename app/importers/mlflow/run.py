"""A run as MLflow knows it, wherever it keeps it. Source: mlflow/entities, mlflow/store/tracking."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from app.importers.record import CurveValue, Record, Stage
from app.importers.rules import Plan
from app.importers.source import CannotImport

STAGES: Final[Mapping[str, Stage]] = {
    "RUNNING": "running",
    "SCHEDULED": "waiting",
    "FINISHED": "completed",
    "FAILED": "failed",
    "KILLED": "stopped",
}
DEFAULT_EXPERIMENT: Final = "Default"
_SYSTEM_METRICS: Final = "system/"
_OWN_TAGS: Final = "mlflow."
_KEPT_TAGS: Final = frozenset(
    {"mlflow.runName", "mlflow.user", "mlflow.parentRunId", "mlflow.source.name", "mlflow.source.git.commit"}
)
_INFINITE: Final = 1e308
"""The databases keep infinity as the largest number."""


@dataclass(slots=True)
class Found:
    """What a store says of a run."""

    run_id: str
    experiment: str
    status: str
    started_ms: int | None
    ended_ms: int | None
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    dataset: tuple[str, str | None] | None = None
    """Name and profile of the first input."""
    curve: Iterable[CurveValue] = ()


def record(found: Found, plan: Plan) -> Record:
    name, profile = found.dataset or (found.experiment, None)
    rules = plan.rules
    return Record(
        run_id=found.run_id,
        dataset=name,
        stage=STAGES.get(found.status, "failed"),
        hyperparameters=dict(found.params),
        metrics={key: value for key, value in found.metrics.items() if _is_wanted(key, plan)},
        tags={
            key: value
            for key, value in found.tags.items()
            if key in _KEPT_TAGS or not key.startswith(_OWN_TAGS) or rules.kind_of(key)
        }
        | {"mlflow_experiment": found.experiment},
        other={"meta_features": _sizes(profile)},
        curve=((step, key, value) for step, key, value in found.curve if _is_wanted(key, plan)),
        started_at=_time(found.started_ms),
        finished_at=_time(found.ended_ms),
    )


def _is_wanted(metric: str, plan: Plan) -> bool:
    return not metric.startswith(_SYSTEM_METRICS) or plan.rules.kind_of(metric) is not None


def metric_value(value: float, is_nan: bool) -> float:
    """The number that was logged."""
    if is_nan:
        return math.nan
    return math.copysign(math.inf, value) if abs(value) > _INFINITE else value


def _sizes(profile: str | None) -> dict[str, Any]:
    """What a logged dataset says of its size, under the names that `forerun describe` gives it."""
    try:
        said = json.loads(profile or "{}")
    except ValueError:
        return {}
    rows = said.get("num_rows") if isinstance(said, dict) else None
    return {"n_rows": rows} if isinstance(rows, int) and rows > 0 else {}


def _time(milliseconds: int | None) -> datetime | None:
    """None also for what is no time, such as the 0 of a run that never ended."""
    return datetime.fromtimestamp(milliseconds / 1e3, UTC) if milliseconds else None


def chosen(there: Mapping[str, str], wanted: Sequence[str]) -> dict[str, str]:
    """Experiments by id, those of the wanted names or ids. Raises: CannotImport."""
    found = {key: name for key, name in there.items() if not wanted or name in wanted or key in wanted}
    for name in wanted:
        if name not in found and name not in found.values():
            names = ", ".join(sorted(map(repr, there.values()))[:20]) or "none"
            raise CannotImport(f"there is no experiment {name!r}; there is {names}")
    if not found:
        raise CannotImport("there is no experiment")
    return found


def notes(experiments: Mapping[str, str], plan: Plan) -> tuple[str, ...]:
    if plan.dataset or plan.rules.only("dataset"):
        return ()
    return (
        "the dataset is what log_input named, else the experiment; --dataset NAME or --dataset-column PARAM names it",
    )
