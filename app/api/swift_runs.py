"""The swift reader of runs: bytes to `Arrival` in one go, where there is no doubt about what they say.

It costs a fifth of what strict JSON and the model cost together. Whatever it hesitates at (it gives None) is read again
by those two, which know why; so that there is one place that tells what is wrong, and no answer depends on this module.
A property test holds both ways to the same arrivals.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from app.api.run_schemas import MAX_BATCH
from app.api.strict_json import Limits, count_colons, may_hide_something, values_at_most
from app.store.arrivals import Arrival, arrival
from app.types import composed

_Name = Annotated[str, Meta(min_length=1, max_length=200)]
_Number = Annotated[float, Meta(ge=-1e300, le=1e300)]
_Targets = dict[_Name, _Number]
_Inputs = dict[_Name, Any]


class _Reference(Struct, forbid_unknown_fields=True):
    name: _Name
    meta_features: _Targets | UnsetType = UNSET


class _Point(Struct, forbid_unknown_fields=True):
    step: _Number
    metrics: _Targets


class _Run(Struct, forbid_unknown_fields=True):
    """A run as it is posted; its fields are `Run`'s."""

    dataset: _Reference | _Name
    state: Literal["completed", "failed", "running", "stopped"]
    project: _Name | UnsetType = UNSET
    run_id: _Name | UnsetType | None = UNSET
    hyperparameters: _Inputs | UnsetType = UNSET
    architecture: _Inputs | UnsetType = UNSET
    environment: _Inputs | UnsetType = UNSET
    fidelity: _Inputs | UnsetType = UNSET
    metrics: _Targets | UnsetType = UNSET
    resources: _Targets | UnsetType = UNSET
    tags: dict[_Name, str] | UnsetType = UNSET
    learning_curve: Annotated[list[_Point], Meta(max_length=100_000)] | UnsetType = UNSET
    recommendation_id: UUID | UnsetType | None = UNSET
    started_at: str | UnsetType | None = UNSET
    finished_at: str | UnsetType | None = UNSET


class _Batch(Struct, forbid_unknown_fields=True):
    runs: list[msgspec.Raw]


_RUN: Final = msgspec.json.Decoder(_Run)
_BATCH: Final = msgspec.json.Decoder(_Batch)
_LIMITS: Final = Limits()
_LONGEST: Final = 1_000_000
"""Bytes of a run that cannot hold more values than are taken, even if all of them were digits and commas."""


def split(body: bytes, limits: Limits) -> list[bytes] | None:
    """The runs of a batch, each as it was sent."""
    if len(body) > 2 * limits.values and values_at_most(body) > limits.values:
        return None
    try:
        runs = [bytes(run) for run in _BATCH.decode(body).runs]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return runs if 0 < len(runs) <= MAX_BATCH and _holds_nothing_else(body, runs) else None


_BEGIN: Final = re.compile(rb'\s*\{\s*"runs"\s*:\s*\[\s*')
_END: Final = re.compile(rb"\s*\]\s*\}\s*")


def _holds_nothing_else(body: bytes, runs: list[bytes]) -> bool:
    """Of two lists under one name the decoder gives the last, and what the first one holds would be lost."""
    begin, last = _BEGIN.match(body), body.rfind(b"}", 0, body.rfind(b"]"))
    if begin is None or _END.fullmatch(body, last + 1) is None:
        return False
    between = last + 1 - begin.end() - sum(map(len, runs))
    return between == len(runs) - 1 or (body.count(b'"runs"') == 1 and b"\\u00" not in body)


def read(body: bytes, around: int = 0) -> Arrival | None:
    """One run; `around` is how many levels it is nested in."""
    if len(body) > _LONGEST or may_hide_something(body):
        return None
    try:
        run = _RUN.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not _is_plain(run, body, around):
        return None
    times = (_time(run.started_at), _time(run.finished_at)) if run.started_at or run.finished_at else _NO_TIMES
    return _arrival(run, times) if _is_coherent(run, times) else None


def _arrival(run: _Run, times: tuple[Any, Any]) -> Arrival:
    reference = run.dataset
    name, features = (reference, _NONE) if isinstance(reference, str) else (reference.name, reference.meta_features)
    curve = [{"step": point.step, "metrics": point.metrics} for point in run.learning_curve or ()]
    inputs = (run.hyperparameters or _NONE, run.architecture or _NONE, run.environment or _NONE, run.fidelity or _NONE)
    values = (*inputs, run.metrics or _NONE, run.resources or _NONE, run.tags or _NONE, curve)
    project, run_id, follows = run.project or "default", run.run_id or None, run.recommendation_id or None
    return arrival(project, run_id, name, features or _NONE, run.state, values, follows, times)


_NONE: Final[Mapping[str, Any]] = {}

# ---------------------------------------------------------------- is it beyond doubt?


def _is_plain(run: _Run, body: bytes, around: int) -> bool:
    """Whether no name is repeated, mistyped or spelled in another way, and nothing is too deep or too many.

    A repeated name leaves one value and two colons. First it is supposed that no string holds a colon and that inputs
    are not nested; if that does not add up, every string and every level is looked at.
    """
    inputs = (run.hyperparameters, run.architecture, run.environment, run.fidelity)
    free = [each for each in inputs if each is not UNSET]
    mappings = free + [each for each in (run.metrics, run.resources, run.tags) if each is not UNSET]
    own = 2 + len(mappings)  # the colons of the run's own fields: `dataset` and `state` are always there
    for scalar in (run.project, run.run_id, run.recommendation_id, run.started_at, run.finished_at):
        own += scalar is not UNSET
    if run.learning_curve is not UNSET:
        own += 1 + 2 * len(run.learning_curve)
        mappings += [point.metrics for point in run.learning_curve]
    dataset = run.dataset
    if not isinstance(dataset, str):
        own += 1
        if dataset.meta_features is not UNSET:
            own += 1
            mappings.append(dataset.meta_features)
        dataset = dataset.name
    names = "".join(chain(chain.from_iterable(mappings), (dataset, run.project or "", run.run_id or "")))
    if not (names.isprintable() if names.isascii() else composed(names) == names and not _CONTROL.search(names)):
        return False
    colons, found = body.count(b":"), sum(map(len, mappings))
    if colons == own + found and found <= _LIMITS.names:
        kinds = set(map(type, chain.from_iterable([each.values() for each in free])))
        if dict not in kinds and list not in kinds:
            return True
    texts = [dataset, run.project or "", run.run_id or "", run.started_at or "", run.finished_at or ""]
    return colons == own + _exactly([*mappings, *texts], around)


def _exactly(parts: list[Any], around: int) -> int:
    """The colons of all these, at whatever depth; far too few if something in them is not taken."""
    found = count_colons(parts, replace(_LIMITS, depth=_LIMITS.depth - around))
    return found if found >= 0 else -_LONGEST


_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def _is_coherent(run: _Run, times: tuple[Any, Any]) -> bool:
    if run.state == "completed" and not run.metrics:
        return False
    if run.metrics and run.resources and not run.metrics.keys().isdisjoint(run.resources):
        return False
    started, finished = times
    return started is not _DOUBT and finished is not _DOUBT and not (started and finished and finished < started)


_DOUBT: Final[Any] = object()
_NO_TIMES: Final = (None, None)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def _time(text: str | UnsetType | None) -> Any:
    """In UTC; `_DOUBT` where the way it is written is not the usual one."""
    if text is UNSET or text is None:
        return None
    if not _TIME.fullmatch(text):
        return _DOUBT
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return _DOUBT
