"""The runs of a batch or a stream: read swiftly, and one by one where there is doubt about what they say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from app.api import ndjson, strict_json, swift_runs
from app.api.problems import faults_of
from app.api.run_schemas import MAX_BATCH
from app.errors import Forbidden, ForerunError, InvalidRequest
from app.flows.access import Caller
from app.flows.ingest import Incoming
from app.store.arrivals import Arrival, arrival_of
from app.types import Run

READ_AT_ONCE: Final = 2**18
"""Bytes of a batch that take a few milliseconds: less than a thread may wait for its turn."""
MAX_TOLD: Final = 100
"""Rejected runs of a batch whose faults are told; of more it is told how many there are: a million take seconds."""
_LIMITS: Final = strict_json.Limits(values=5_000_000)
_RUN: Final = TypeAdapter(Run)


class _Envelope(BaseModel):
    """A batch before any of its runs is looked at."""

    model_config = ConfigDict(extra="forbid", strict=True)
    runs: list[Any] = Field(max_length=MAX_BATCH)


def read(body: bytes, caller: Caller) -> list[Incoming]:
    """The runs of a batch. Raises: MalformedJson, InvalidRequest, where it is none."""
    swift = _read_swiftly(body)
    return _allowed(swift, caller) or _read_carefully(body, swift, caller)


def read_swiftly(body: bytes, caller: Caller) -> list[Incoming] | None:
    """The runs of a batch; None where there is doubt about any of them."""
    return _allowed(swift_runs.read_batch(body) or (), caller)


def _read_swiftly(body: bytes) -> Sequence[Arrival | None]:
    return swift_runs.read_all(swift_runs.split(body, _LIMITS) or (), around=2)


def _allowed(swift: Sequence[Arrival | None], caller: Caller) -> list[Incoming] | None:
    return None if not swift or None in swift else [_if_allowed(run, caller) for run in swift if run is not None]


def _read_carefully(body: bytes, swift: Sequence[Arrival | None], caller: Caller) -> list[Incoming]:
    """A batch of which at least one run is in doubt; those that are not need not be read again."""
    incoming: list[Incoming] = []
    n_rejected = 0
    for index, raw in enumerate(_runs_of(strict_json.loads(body, _LIMITS))):
        if swift and (run := swift[index]) is not None:
            incoming.append(_if_allowed(run, caller))
        else:
            incoming.append(_run_or_error(raw, caller, counted_only=n_rejected >= MAX_TOLD))
        n_rejected += isinstance(incoming[-1], ForerunError)
    return incoming


def _if_allowed(run: Arrival, caller: Caller) -> Arrival | Forbidden:
    try:
        caller.check(run.project)
    except Forbidden as error:
        return error
    return run


def _runs_of(body: Any) -> list[Any]:
    try:
        return _Envelope.model_validate(body).runs
    except ValidationError as error:
        raise invalid(error, body, _Envelope) from None


def _run_or_error(raw: Any, caller: Caller, *, counted_only: bool = False) -> Incoming:
    try:
        run: Run = _RUN.validate_python(raw)
        caller.check(run.project)
    except ValidationError as error:
        if counted_only:
            return InvalidRequest(
                f"{error.error_count():,} faults; those of the first {MAX_TOLD} rejected runs are told"
            )
        return invalid(error, raw, Run)
    except Forbidden as error:
        return error
    return arrival_of(run)


def invalid(error: ValidationError, body: Any, model: Any) -> InvalidRequest:
    """What pydantic says of a body, with pointers at its faults."""
    faults = faults_of(error.errors(include_url=False, include_input=False), body, model)
    return InvalidRequest(f"{faults[0].pointer or 'the body'}: {faults[0].message}", faults)


# ---------------------------------------------------------------- a stream


async def streamed(request: Request, max_line_bytes: int, caller: Caller) -> AsyncIterator[list[tuple[int, Incoming]]]:
    """The runs of a stream with the numbers of their lines, as they come."""
    async for lines in ndjson.lines(strict_json.chunks(request), max_line_bytes):
        swift = iter(swift_runs.read_all([line for _, line in lines if isinstance(line, bytes)]))
        yield [
            (number, _read(line, next(swift), caller) if isinstance(line, bytes) else line) for number, line in lines
        ]


def _read(line: bytes, swift: Arrival | None, caller: Caller) -> Incoming:
    if swift is not None:
        return _if_allowed(swift, caller)
    try:
        return _run_or_error(strict_json.loads(line), caller)
    except ForerunError as error:
        return error
