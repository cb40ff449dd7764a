"""Everything that the client raises by itself, drawn as a tree.

ForerunError
├── Refused          the service answered with a problem: status, code, faults with their pointers
├── RefitFailed      a refit ended without a meta-learner, or did not end in time
├── SpoolFull        the disk spool has reached its bound
├── Busy             another process is delivering what the disk spool holds
└── InvalidRequest   a table that cannot be described

That nobody answered, after the last retry, is httpx's own `TransportError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import httpx


class ForerunError(Exception):
    """The root."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request: where (a JSON Pointer into it) and what."""

    pointer: str
    message: str

    def __str__(self) -> str:
        return f"{self.pointer}: {self.message}" if self.pointer else self.message


class Refused(ForerunError):
    """The service said no (RFC 9457), or something in front of it did."""

    def __init__(
        self, status: int, code: str, detail: str, faults: Sequence[Fault] = (), request_id: str | None = None
    ) -> None:
        told = [str(fault) for fault in faults if fault.message not in detail]
        super().__init__("; ".join([f"{status} {code}: {detail}", *told]))
        self.status = status
        self.code = code
        self.detail = detail
        self.faults = tuple(faults)
        self.request_id = request_id

    @classmethod
    def of(cls, response: httpx.Response) -> Self:
        """From an answer that was read; a proxy's error page has no code of ours."""
        problem = _problem(response)
        return cls(
            response.status_code,
            str(problem.get("code", "not_a_problem")),
            str(problem.get("detail") or response.reason_phrase or "the service gave no reason"),
            [Fault(str(each["pointer"]), str(each["message"])) for each in problem.get("errors", ())],
            problem.get("request_id"),
        )


class RefitFailed(ForerunError):
    """A refit ended without a meta-learner, or did not end in time."""


class SpoolFull(ForerunError):
    """The disk spool has reached its bound: the service has been away for long, or nothing drains it."""


class Busy(ForerunError):
    """Another process is delivering what the disk spool holds."""


class InvalidRequest(ForerunError, ValueError):
    """A table that cannot be described."""


def _problem(response: httpx.Response) -> dict[str, Any]:
    if not response.headers.get("Content-Type", "").startswith("application/problem+json"):
        return {}
    problem: dict[str, Any] = response.json()
    return problem
