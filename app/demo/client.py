"""The HTTP calls that the demo makes, each a line or two for whoever copies them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.demo.space import Json

READY_SECONDS = 60.0
REFIT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Service:
    """Where a service is, and the key that it asks for, if it does."""

    url: str
    key: str | None = field(default=None, repr=False)

    def client(self) -> httpx.Client:
        headers = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60.0)


class Refused(RuntimeError):
    """The service answered with a problem, or a refit failed; the message is the service's own."""


def call(client: httpx.Client, method: str, path: str, **given: Any) -> Any:
    """One request, its JSON answer. Raises Refused."""
    response = client.request(method, path, **given)
    if response.is_error:
        raise Refused(f"{method} {path}: {response.status_code} {response.text[:500]}")
    return response.json()


def wait_until_ready(client: httpx.Client, seconds: float = READY_SECONDS) -> None:
    """Ask `/readyz` until the service can serve. Raises Refused after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if client.get("/readyz").is_success:
                return
        except httpx.TransportError:
            pass  # not listening yet
        if time.monotonic() > deadline:
            raise Refused(f"{client.base_url} was not ready within {seconds:.0f} s")
        time.sleep(0.05)


def post_runs(client: httpx.Client, project: str, runs: Iterable[Mapping[str, Any]]) -> Json:
    """All runs in one streamed request. Raises Refused, also when the service rejected one of them."""
    lines = "".join(json.dumps({"project": project, **run}) + "\n" for run in runs)
    headers = {"Content-Type": "application/x-ndjson"}
    answer: Json = call(client, "POST", "/v1/runs/batch", content=lines.encode(), headers=headers)
    if answer["rejected"]:
        raise Refused(f"{answer['rejected']} runs were rejected, the first one: {answer['results'][0]}")
    return answer


def post_run(client: httpx.Client, project: str, run: Mapping[str, Any]) -> Json:
    answer: Json = call(client, "POST", "/v1/runs", json={"project": project, **run})
    return answer


def declare(client: httpx.Client, project: str, objectives: list[Json], automatic_refit: bool = True) -> None:
    """Say what is wanted in a project, so that a question need not, and whether the worker refits it by itself."""
    body = {"objectives": objectives, "refit_policy": {"automatic": automatic_refit}}
    call(client, "PUT", f"/v1/projects/{project}", json=body)


def describe_dataset(client: httpx.Client, project: str, name: str, meta_features: Mapping[str, float]) -> None:
    body = {"meta_features": dict(meta_features)}
    call(client, "PUT", f"/v1/datasets/{name}", params={"project": project}, json=body)


def refit(client: httpx.Client, project: str, waiting: Callable[[str], None], seconds: float = REFIT_SECONDS) -> Json:
    """Ask for a refit and wait for its end, calling `waiting` with the state. Raises Refused if it fails."""
    answer: Json = call(client, "POST", "/v1/refits", json={"project": project})
    deadline = time.monotonic() + seconds
    while answer["state"] in {"queued", "running"}:
        if time.monotonic() > deadline:
            raise Refused(f"the refit is still {answer['state']} after {seconds:.0f} s")
        waiting(answer["state"])
        time.sleep(0.2)
        answer = call(client, "GET", f"/v1/refits/{answer['id']}")
    if answer["state"] == "failed":
        raise Refused(f"the refit failed: {answer.get('error')}")
    return answer


def recommend(client: httpx.Client, question: Json) -> Json:
    answer: Json = call(client, "POST", "/v1/recommend", json=question)
    return answer


def recommendation(client: httpx.Client, recommendation_id: str) -> Json:
    """What was recommended, with the runs that followed it: predicted against realised."""
    answer: Json = call(client, "GET", f"/v1/recommendations/{recommendation_id}")
    return answer
