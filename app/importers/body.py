"""A run, ready for the wire, from what a foreign history knows of it."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from app.importers.record import CurveValue, Record
from app.importers.recover import measured, recovered
from app.importers.rules import Plan, Rules
from app.types import NAME_PATTERN

MAX_NAME_CHARACTERS: Final = 200
MAX_CURVE_POINTS: Final = 100_000
_NAME = re.compile(NAME_PATTERN)
_INPUTS: Final = frozenset({"hyperparameters", "architecture", "environment", "fidelity"})
_MEASURED: Final = ("metrics", "resources", "meta_features")
_PARTS: Final = (*sorted(_INPUTS), "metrics", "resources", "tags")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A record that makes no run, and why."""

    reason: str


def body_of(record: Record, plan: Plan) -> dict[str, Any] | LeftOut:
    """The run. One that ended well without a finite metric diverged if it has others, and else says nothing."""
    if record.stage == "waiting":
        return LeftOut("waiting to be trained")
    if record.stage == "running" and not plan.running:
        return LeftOut("still running")
    fields, diverged = _placed(record, plan.rules)
    state = record.stage
    if state == "completed" and not fields["metrics"]:
        if not diverged:
            return LeftOut("completed without a metric")
        state = "failed"
    dataset = {"name": plan.dataset or _dataset(record, plan.rules), "meta_features": fields["meta_features"]}
    body: dict[str, Any] = {"project": plan.project, "run_id": record.run_id, "dataset": dataset, "state": state}
    body |= {kind: fields[kind] for kind in _PARTS if fields[kind]}
    if plan.curves and (curve := _curve(record.curve, plan.rules)):
        body["learning_curve"] = curve
    return body | _times(record)


def _placed(record: Record, rules: Rules) -> tuple[defaultdict[str, dict[str, Any]], bool]:
    """The fields by kind, and whether a metric was measured that is not finite."""
    fields: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    diverged = False
    given = {
        "hyperparameters": record.hyperparameters,
        "metrics": record.metrics,
        "resources": _duration(record) | record.resources,
        "tags": record.tags,
        **record.other,
    }
    for default, values in given.items():
        for name, value in values.items():
            if is_name(name):
                diverged |= not _place(fields, rules.kind_of(name) or default, name, value)
    for name in fields["metrics"].keys() & fields["resources"].keys():
        del fields["metrics"][name]  # a target has one place
    return fields, diverged


def _place(fields: Mapping[str, dict[str, Any]], kind: str, name: str, value: Any) -> bool:
    """Put a field where it belongs; False for a metric that is not finite.

    What should have been measured and is no number at all becomes a tag.
    """
    number = measured(value) if kind in _MEASURED else None
    if kind in _INPUTS:
        fields[kind][name] = recovered(value)
    elif number is not None and math.isfinite(number):
        fields[kind][name] = number
    elif number is not None:
        return kind != "metrics"
    elif kind in ("tags", *_MEASURED) and value is not None:
        fields["tags"][name] = str(value)
    return True


def _duration(record: Record) -> dict[str, float]:
    if record.started_at is None or record.finished_at is None or record.finished_at < record.started_at:
        return {}
    return {"duration_seconds": (record.finished_at - record.started_at).total_seconds()}


@lru_cache(maxsize=65_536)
def is_name(text: str) -> bool:
    """Whether a text can be a name in a run: 1 to 200 characters, none of them a control character."""
    return 0 < len(text) <= MAX_NAME_CHARACTERS and _NAME.match(text) is not None


def _dataset(record: Record, rules: Rules) -> str:
    """What the rules name for it, where the run has it; else what the source says."""
    named = rules.only("dataset")
    if named is not None:
        for values in (record.tags, record.hyperparameters):
            if values.get(named) not in (None, ""):
                return str(values[named])[:MAX_NAME_CHARACTERS]
    return record.dataset[:MAX_NAME_CHARACTERS]


def _curve(values: Iterable[CurveValue], rules: Rules) -> list[dict[str, Any]]:
    """Points by step, of the metrics that were measured at several: what was measured once is no curve."""
    curves: defaultdict[str, dict[float, float]] = defaultdict(dict)
    for step, name, value in values:
        if measured(value) == value:
            curves[name][step] = value
    points: defaultdict[float, dict[str, float]] = defaultdict(dict)
    for name, curve in curves.items():
        if len(curve) > 1 and is_name(name) and (rules.kind_of(name) or "metrics") == "metrics":
            for step, value in curve.items():
                points[step][name] = value
    return [{"step": step, "metrics": points[step]} for step in sorted(points)][:MAX_CURVE_POINTS]


def _times(record: Record) -> dict[str, str]:
    times = {"started_at": record.started_at, "finished_at": record.finished_at}
    if record.started_at and record.finished_at and record.finished_at < record.started_at:
        del times["finished_at"]
    return {name: _rfc3339(time) for name, time in times.items() if time is not None}


def _rfc3339(time: datetime) -> str:
    return time.isoformat(timespec="microseconds")
