"""What a foreign history knows of one run, before anybody has said where its fields belong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from app.types import State

Stage: TypeAlias = State | Literal["waiting"]
"""A run's state in its source; one that waits has not begun and is no run of ours."""
CurveValue: TypeAlias = tuple[float, str, float]
"""Step, metric, value."""


@dataclass(slots=True)
class Record:
    """One run. The fields of each kind go where `Rules` send them, else where they stand."""

    run_id: str
    dataset: str
    stage: Stage
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    resources: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, Any] = field(default_factory=dict)
    other: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Fields whose kind the source says itself: `environment`, `fidelity`, `architecture`, `meta_features`."""
    curve: Iterable[CurveValue] = ()
    started_at: datetime | None = None
    finished_at: datetime | None = None
