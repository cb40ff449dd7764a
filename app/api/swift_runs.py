"""The swift reader of runs: bytes to `Arrival`s in one go, where there is no doubt about what they say.

Runs are read together and looked at in columns: one call of C for all of them where there would be one for each. It
costs a fifth of what strict JSON and the model cost. Whatever it hesitates at (it gives None) is read again by those
two, which know why; so that there is one place that tells what is wrong, and no answer depends on this module. A
property test holds both ways to the same arrivals.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import astuple

from app.api.run_schemas import MAX_BATCH
from app.api.strict_json import Limits, count_colons, may_hide_something, values_at_most
from app.store.arrivals import Arrival, Reference, arrivals, reference
from app.types import composed

_Name = Annotated[str, Meta(min_length=1, max_length=200)]
_Number = Annotated[float, Meta(ge=-1e300, le=1e300)]
_Targets = dict[_Name, _Number]
_Inputs = dict[_Name, Any]


class _Dataset(Struct, forbid_unknown_fields=True):
    name: _Name
    meta_features: _Targets | UnsetType = UNSET


class _Point(Struct, forbid_unknown_fields=True):
    step: _Number
    metrics: _Targets


class _Run(Struct, forbid_unknown_fields=True, gc=False):
    """A run as it is posted; its fields are `Run`'s."""

    dataset: msgspec.Raw
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
    runs: list[_Run]


class _RawBatch(Struct, forbid_unknown_fields=True):
    runs: list[msgspec.Raw]


_RUN: Final = msgspec.json.Decoder(_Run)
_DATASET: Final = msgspec.json.Decoder(_Dataset | _Name)
_BATCH: Final = msgspec.json.Decoder(_Batch)
_RAW_BATCH: Final = msgspec.json.Decoder(_RawBatch)
_LIMITS: Final = Limits()
_LONGEST: Final = 1_000_000
"""Bytes of a run that cannot hold more values than are taken, even if all of them were digits and commas."""
_ERRORS: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_batch(body: bytes) -> list[Arrival] | None:
    """A batch of at most `_LONGEST` bytes, None where any of it is in doubt.

    All of it is decoded at once: of two lists under one name the last would count, and the colons not add up.
    """
    if len(body) > _LONGEST or may_hide_something(body):
        return None
    try:
        runs = _BATCH.decode(body).runs
    except _ERRORS:
        return None
    return _arrivals(runs, body, colons=1, around=2) if 0 < len(runs) <= MAX_BATCH else None


def split(body: bytes, limits: Limits) -> list[bytes] | None:
    """The runs of a batch, each as it was sent."""
    if len(body) > 2 * limits.values and values_at_most(body) > limits.values:
        return None
    try:
        runs = list(map(bytes, _RAW_BATCH.decode(body).runs))
    except _ERRORS:
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
    return read_all([body], around)[0]


def read_all(bodies: Sequence[bytes], around: int = 0) -> list[Arrival | None]:
    """Each of the runs, None for those that are in doubt. Where there is doubt about some, they are read in pieces."""
    if not bodies:
        return []
    together = len(bodies) <= TOGETHER
    if together and (found := _read_together(bodies, around)) is not None:
        return list(found)
    if len(bodies) == 1:
        return [None]
    step = max(1, len(bodies) // PIECES) if together else TOGETHER
    pieces = [read_all(bodies[begin : begin + step], around) for begin in range(0, len(bodies), step)]
    return list(chain.from_iterable(pieces))


TOGETHER: Final = 50
"""Runs that fit a cache with all that is made of them: a thousand together take half as long again."""
PIECES: Final = 8


def _read_together(bodies: Sequence[bytes], around: int) -> list[Arrival] | None:
    text = b"\n".join(bodies)
    if max(map(len, bodies)) > _LONGEST or may_hide_something(text):
        return None
    try:
        runs = list(map(_RUN.decode, bodies))
    except _ERRORS:
        return None
    return _arrivals(runs, text, 0, around)


def _arrivals(runs: Sequence[_Run], text: bytes, colons: int, around: int) -> list[Arrival] | None:
    """`text`: what they were read from; `colons`: those of what is around them."""
    columns = _Columns(*zip(*map(astuple, runs), strict=True))
    datasets = [_dataset(bytes(raw)) for raw in columns.dataset]
    if not _is_plain(columns, datasets, text, colons, around):
        return None
    times: Sequence[_Times] = [_NO_TIMES] * len(runs)
    if not {*columns.started_at, *columns.finished_at} <= _NO_TIME:
        times = list(zip(map(_time, columns.started_at), map(_time, columns.finished_at), strict=True))
    if not _is_coherent(columns, times):
        return None
    return arrivals(
        [project or "default" for project in columns.project],
        columns.run_id,
        [each.reference for each in datasets if each is not None],
        columns.state,
        [*columns.mappings, [_curve(points) for points in columns.learning_curve]],
        columns.recommendation_id,
        times,
    )


def _curve(points: Iterable[_Point] | UnsetType) -> list[dict[str, Any]]:
    return [{"step": point.step, "metrics": point.metrics} for point in points] if points else _NO_CURVE


_NO_CURVE: Final[list[dict[str, Any]]] = []


class _Columns(NamedTuple):
    """Runs by field, each as long as there are runs; what a run does not name is UNSET."""

    dataset: tuple[msgspec.Raw, ...]
    state: tuple[Any, ...]
    project: tuple[Any, ...]
    run_id: tuple[Any, ...]
    hyperparameters: tuple[Any, ...]
    architecture: tuple[Any, ...]
    environment: tuple[Any, ...]
    fidelity: tuple[Any, ...]
    metrics: tuple[Any, ...]
    resources: tuple[Any, ...]
    tags: tuple[Any, ...]
    learning_curve: tuple[Any, ...]
    recommendation_id: tuple[Any, ...]
    started_at: tuple[Any, ...]
    finished_at: tuple[Any, ...]

    @property
    def inputs(self) -> Sequence[tuple[Any, ...]]:
        return self[4:8]

    @property
    def mappings(self) -> Sequence[tuple[Any, ...]]:
        """Inputs, metrics, resources and tags."""
        return self[4:11]


# ---------------------------------------------------------------- the dataset


class _Named(NamedTuple):
    """A dataset as it was named, and the colons in that."""

    reference: Reference
    colons: int


def _dataset(raw: bytes) -> _Named | None:
    """None where it is in doubt."""
    return _familiar(raw) if len(raw) <= _FAMILIAR_BYTES else _read_dataset(raw)


def _read_dataset(raw: bytes) -> _Named | None:
    try:
        read = _DATASET.decode(raw)
    except _ERRORS:
        return None
    named, features, own = read, _NONE, 0
    if isinstance(read, _Dataset):
        named, features, own = read.name, read.meta_features or _NONE, 1 + (read.meta_features is not UNSET)
    colons = count_colons([features, named], _LIMITS)
    if colons < 0 or own + colons != raw.count(b":") or not _are_names("".join([*features, named])):
        return None
    return _Named(reference(named, features), own + colons)


_NONE: Final[dict[str, float]] = {}
_FAMILIAR_BYTES: Final = 4_096
_familiar: Final = lru_cache(1_024)(_read_dataset)
"""Of one dataset come many runs: what was sent of it is read once (and it all is a few MB at most)."""

# ---------------------------------------------------------------- is it beyond doubt?


def _is_plain(columns: _Columns, datasets: Sequence[_Named | None], text: bytes, colons: int, around: int) -> bool:
    """Whether no name is repeated, mistyped or spelled in another way, and nothing is too deep or too many.

    A repeated name leaves one value and two colons. First it is supposed that no string holds a colon and that inputs
    are not nested; if that does not add up, every string and every level is looked at.
    """
    if None in datasets:
        return False
    points = list(chain.from_iterable(filter(None, columns.learning_curve)))
    named = sum(len(column) - column.count(UNSET) for column in columns[2:])
    about_datasets = sum(each.colons for each in datasets if each is not None)
    own = colons + 2 * len(datasets) + named + 2 * len(points) + about_datasets
    free = [each for column in columns.inputs for each in column if each]
    mappings = [*filter(None, chain.from_iterable(columns.mappings)), *[point.metrics for point in points]]
    texts = [*filter(None, columns.project), *filter(None, columns.run_id)]
    if not (_is_simple(text) or _are_names("".join(chain(chain.from_iterable(mappings), texts)))):
        return False
    others = text.count(b":") - own
    if others == sum(map(len, mappings)) and max(map(len, mappings), default=0) <= _LIMITS.names:
        kinds = set(map(type, chain.from_iterable([each.values() for each in free])))
        if dict not in kinds and list not in kinds:
            return True
    texts += [*filter(None, columns.started_at), *filter(None, columns.finished_at)]
    return others == count_colons([*mappings, *texts], replace(_LIMITS, depth=_LIMITS.depth - around))


def _is_simple(text: bytes) -> bool:
    """Whether every string in it can only be a name: JSON has no other control characters than DEL unescaped."""
    return text.isascii() and b"\\" not in text and b"\x7f" not in text


def _are_names(names: str) -> bool:
    return names.isprintable() if names.isascii() else composed(names) == names and not _CONTROL.search(names)


_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def _is_coherent(columns: _Columns, times: Sequence[_Times]) -> bool:
    for state, metrics, resources in zip(columns.state, columns.metrics, columns.resources, strict=True):
        if (state == "completed" and not metrics) or (
            metrics and resources and not metrics.keys().isdisjoint(resources)
        ):
            return False
    return all(
        started is not _DOUBT and finished is not _DOUBT and not (started and finished and finished < started)
        for started, finished in set(times)
    )


_Times: TypeAlias = tuple[Any, Any]
_DOUBT: Final[Any] = object()
_NO_TIME: Final = frozenset([None, UNSET])
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
