"""What is asked of the service, without asking it: the synchronous and the asynchronous client send the same calls.

Bodies go out as they were given, so that the service and not the client says what is wrong with them (a generated
model drops a misspelt field in silence); answers come back as generated models.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote
from uuid import uuid4

from forerun_client.errors import RefitFailed
from forerun_client.generated.models import (
    BatchReceipt,
    BatchResult,
    DatasetRecord,
    Project,
    Recommendation,
    RecommendationRecord,
    Refit,
    RunReceipt,
    RunRecord,
)
from forerun_client.values import Json, plain

Answer = TypeVar("Answer")

BATCH = 1_000
"""Runs in one request: enough for the service's fast way in, and no more than it names refused ones in its answer."""


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """One request, and how its answer is read."""

    method: str
    path: str
    read: Callable[[Json], Answer]
    body: Any = None
    params: Json = field(default_factory=dict)
    content: bytes | None = None

    def arguments(self) -> Json:
        """For `httpx.Client.request`."""
        if self.content is not None:
            return {"content": self.content, "headers": {"Content-Type": "application/x-ndjson"}}
        return {"json": self.body, "params": self.params}


@dataclass(slots=True)
class Posted:
    """What became of many runs; `refused` holds those that were not taken, `index` counts over all of them."""

    created: int = 0
    duplicates: int = 0
    refused: list[BatchResult] = field(default_factory=list)

    def add(self, receipt: BatchReceipt, offset: int) -> None:
        self.created += receipt.created
        self.duplicates += receipt.duplicates
        for result in receipt.results:
            result.index += offset
            self.refused.append(result)


def complete(run: Mapping[str, Any] | Any) -> Json:
    """A run as JSON, with a `run_id`, so that sending it twice stores it once. Raises TypeError."""
    body: Json = plain(run)
    return body if body.get("run_id") else {**body, "run_id": uuid4().hex}


def line(run: Json) -> bytes:
    return json.dumps(run, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def post_run(run: Mapping[str, Any] | Any) -> Call[RunReceipt]:
    return Call("POST", "/v1/runs", RunReceipt.from_dict, complete(run))


def post_lines(lines: Iterable[bytes]) -> Call[BatchReceipt]:
    return Call("POST", "/v1/runs/batch", BatchReceipt.from_dict, content=b"".join(lines))


def get_run(run: Any) -> Call[RunRecord]:
    return Call("GET", f"/v1/runs/{_segment(run)}", RunRecord.from_dict)


def recommend(question: Mapping[str, Any]) -> Call[Recommendation]:
    return Call("POST", "/v1/recommend", Recommendation.from_dict, plain(question))


def recommendation(identifier: Any) -> Call[RecommendationRecord]:
    return Call("GET", f"/v1/recommendations/{_segment(identifier)}", RecommendationRecord.from_dict)


def put_dataset(project: str, name: str, meta_features: Mapping[str, Any]) -> Call[DatasetRecord]:
    body = {"meta_features": plain(meta_features)}
    return Call("PUT", f"/v1/datasets/{_segment(name)}", DatasetRecord.from_dict, body, {"project": project})


def put_project(name: str, settings: Mapping[str, Any]) -> Call[Project]:
    return Call("PUT", f"/v1/projects/{_segment(name)}", Project.from_dict, plain(settings))


def request_refit(project: str) -> Call[Refit]:
    return Call("POST", "/v1/refits", Refit.from_dict, {"project": project})


def get_refit(identifier: Any) -> Call[Refit]:
    return Call("GET", f"/v1/refits/{_segment(identifier)}", Refit.from_dict)


def is_over(refit: Refit, waited_seconds: float, longest_seconds: float) -> bool:
    """Whether a refit has succeeded. Raises RefitFailed if it failed, or has taken too long."""
    if refit.state == "failed":
        raise RefitFailed(f"the refit of {refit.project!r} failed: {refit.error}")
    if refit.state != "succeeded" and waited_seconds > longest_seconds:
        raise RefitFailed(f"the refit of {refit.project!r} is still {refit.state} after {longest_seconds:.0f} s")
    return refit.state == "succeeded"


def _segment(value: Any) -> str:
    return quote(str(value), safe="")
