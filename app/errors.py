"""Everything that can go wrong on purpose, drawn as a tree.

ForerunError                     status  code
├── InvalidRequest               422     invalid_request
│   ├── InvalidSearchSpace       422     invalid_search_space
│   ├── NoFeasibleConfiguration  422     no_feasible_configuration
│   ├── UnknownMetric            422     unknown_metric
│   ├── NothingToLearn           422     nothing_to_learn
│   └── InvalidCursor            422     invalid_cursor
├── MalformedJson                400     malformed_json
├── Unauthorized                 401     unauthorized
├── Forbidden                    403     forbidden
├── NotFound                     404     not_found
├── Conflict                     409     conflict
│   ├── RunConflict              409     run_conflict
│   └── RunFinished              409     run_finished
├── RequestTimeout               408     request_timeout
├── PayloadTooLarge              413     payload_too_large
├── UnsupportedMediaType         415     unsupported_media_type
├── TooManyRequests              429     too_many_requests
├── Unavailable                  503     unavailable
├── CorruptBundle                500     corrupt_bundle   (never reaches a client: the previous champion serves)
└── CorruptSegment               500     corrupt_segment  (never reaches a client: the runs are folded anew)

The door (`api/problems.py`) turns each into `application/problem+json` in one place; nothing else knows HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request: where (a JSON Pointer into it) and what."""

    pointer: str
    message: str


def pointer(*parts: str | int) -> str:
    """A JSON Pointer (RFC 6901) from its unescaped reference tokens."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


class ForerunError(Exception):
    """The root: a message for people, a stable code for programs, and the offending fields."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str, faults: Sequence[Fault] = (), *, retry_after_seconds: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = tuple(faults)
        self.retry_after_seconds = retry_after_seconds


class InvalidRequest(ForerunError):
    status, code, title = 422, "invalid_request", "The request is not valid"

    @classmethod
    def at(cls, where: str, message: str) -> InvalidRequest:
        """The common case: one fault at one pointer."""
        return cls(message, [Fault(where, message)])


class InvalidSearchSpace(InvalidRequest):
    code, title = "invalid_search_space", "The search space is not valid"


class NoFeasibleConfiguration(InvalidRequest):
    code, title = "no_feasible_configuration", "No configuration of the search space is allowed"


class UnknownMetric(InvalidRequest):
    code, title = "unknown_metric", "A metric is named that no run has reported"


class NothingToLearn(InvalidRequest):
    code, title = "nothing_to_learn", "The project's runs are too few to learn from"


class InvalidCursor(InvalidRequest):
    code, title = "invalid_cursor", "The cursor is not one that this service gave out"


class MalformedJson(ForerunError):
    status, code, title = 400, "malformed_json", "The body is not valid JSON"


class Unauthorized(ForerunError):
    status, code, title = 401, "unauthorized", "A valid API key is needed"


class Forbidden(ForerunError):
    status, code, title = 403, "forbidden", "This is not allowed"


class NotFound(ForerunError):
    status, code, title = 404, "not_found", "There is no such thing"


class Conflict(ForerunError):
    status, code, title = 409, "conflict", "The request conflicts with what is stored"


class RunConflict(Conflict):
    code, title = "run_conflict", "A different run with this run_id is stored"


class RunFinished(Conflict):
    code, title = "run_finished", "The run is finished and can no longer change"


class RequestTimeout(ForerunError):
    status, code, title = 408, "request_timeout", "The body came too slowly"


class PayloadTooLarge(ForerunError):
    status, code, title = 413, "payload_too_large", "The body is larger than allowed"


class UnsupportedMediaType(ForerunError):
    status, code, title = 415, "unsupported_media_type", "The body has a media type that is not taken here"


class TooManyRequests(ForerunError):
    status, code, title = 429, "too_many_requests", "Too many requests are under way"


class Unavailable(ForerunError):
    status, code, title = 503, "unavailable", "The service cannot answer right now"


class CorruptBundle(ForerunError):
    status, code, title = 500, "corrupt_bundle", "A stored meta-learner is damaged"


class CorruptSegment(ForerunError):
    status, code, title = 500, "corrupt_segment", "A stored segment of runs is damaged"
