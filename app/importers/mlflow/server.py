"""A tracking server, over its REST API: a page of runs at a time, and the history of each metric that has steps.

Credentials are MLflow's own: MLFLOW_TRACKING_USERNAME and _PASSWORD, or MLFLOW_TRACKING_TOKEN.
Source: mlflow.org/docs/latest/rest-api.html.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import httpx

from app.importers.mlflow import run
from app.importers.mlflow.run import Found
from app.importers.record import CurveValue
from app.importers.rules import Plan
from app.importers.source import CannotImport, Chunk, Cursor, Source, chunk_of

PAGE: Final = 500
CONNECTIONS: Final = 8
TIMEOUT_SECONDS: Final = 60.0
Json = dict[str, Any]


def open_server(url: str, plan: Plan, experiments: Sequence[str]) -> Source:
    """Raises: CannotImport."""
    with _connected(url) as client:
        there = {found["experiment_id"]: found["name"] for found in _experiments(client)}
    chosen = run.chosen(there, experiments)
    return Source(
        title=f"MLflow, {len(chosen)} of {len(there)} experiments at {url}",
        identity=f"mlflow {url} {sorted(experiments)}",
        total=None,
        read=partial(_read, url, chosen, plan),
        notes=run.notes(chosen, plan),
    )


@contextmanager
def _connected(url: str) -> Iterator[httpx.Client]:
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    name, password = (os.environ.get(f"MLFLOW_TRACKING_{part}") for part in ("USERNAME", "PASSWORD"))
    with httpx.Client(
        base_url=f"{url.rstrip('/')}/api/2.0/mlflow",
        headers={"Authorization": f"Bearer {token}"} if token else {},
        auth=(name, password) if name and password else None,
        timeout=TIMEOUT_SECONDS,
        limits=httpx.Limits(max_connections=CONNECTIONS),
    ) as client:
        yield client


def _ask(client: httpx.Client, method: str, path: str, **given: Any) -> Json:
    """Raises: CannotImport."""
    try:
        answer = client.request(method, path, **given)
        answer.raise_for_status()
        said: Json = answer.json()
    except httpx.HTTPStatusError as error:
        raise CannotImport(f"{error.request.url}: {error.response.status_code} {error.response.text[:200]}") from None
    except (httpx.HTTPError, ValueError) as error:
        raise CannotImport(f"{client.base_url}: {error or type(error).__name__}") from None
    return said


def _pages(client: httpx.Client, path: str, body: Json, token: str | None) -> Iterator[Json]:
    while True:
        page = _ask(client, "POST", path, json=body | ({"page_token": token} if token else {}))
        yield page
        token = page.get("next_page_token")
        if not token:
            return


def _experiments(client: httpx.Client) -> Iterator[Json]:
    body = {"max_results": 1_000, "view_type": "ACTIVE_ONLY"}
    for page in _pages(client, "/experiments/search", body, None):
        yield from page.get("experiments", ())


def _read(url: str, experiments: Mapping[str, str], plan: Plan, cursor: Cursor) -> Iterator[Chunk]:
    body = {"experiment_ids": list(experiments), "max_results": PAGE, "run_view_type": "ACTIVE_ONLY"}
    with _connected(url) as client, ThreadPoolExecutor(CONNECTIONS) as pool:
        for page in _pages(client, "/runs/search", body, str(cursor) if cursor else None):
            listed = page.get("runs", [])
            curves = pool.map(partial(_curve, client), listed) if plan.curves else ([] for _ in listed)
            found = [_found(one, experiments, list(curve)) for one, curve in zip(listed, curves, strict=True)]
            yield chunk_of((run.record(one, plan) for one in found), plan, page.get("next_page_token"))


def _found(one: Json, experiments: Mapping[str, str], curve: Sequence[CurveValue]) -> Found:
    info, data = one["info"], one.get("data", {})
    inputs = one.get("inputs", {}).get("dataset_inputs", ())
    return Found(
        info["run_id"],
        experiments[info["experiment_id"]],
        info["status"],
        int(info.get("start_time") or 0),
        int(info.get("end_time") or 0),
        params={pair["key"]: pair.get("value", "") for pair in data.get("params", ())},
        metrics={pair["key"]: float(pair.get("value", 0)) for pair in data.get("metrics", ())},
        tags={pair["key"]: pair.get("value", "") for pair in data.get("tags", ())},
        dataset=(inputs[0]["dataset"]["name"], inputs[0]["dataset"].get("profile")) if inputs else None,
        curve=curve,
    )


def _curve(client: httpx.Client, one: Json) -> list[CurveValue]:
    """The history of every metric that was logged with steps: protobuf's JSON leaves out a step that is 0."""
    metrics = [pair["key"] for pair in one.get("data", {}).get("metrics", ()) if int(pair.get("step", 0)) > 0]
    return [value for metric in metrics for value in _history(client, one["info"]["run_id"], metric)]


def _history(client: httpx.Client, run_id: str, metric: str) -> Iterator[CurveValue]:
    token = ""
    while True:
        asked = {"run_id": run_id, "metric_key": metric} | ({"page_token": token} if token else {})
        said = _ask(client, "GET", "/metrics/get-history", params=asked)
        points = said.get("metrics", ())
        for point in sorted(points, key=lambda point: int(point.get("timestamp", 0))):
            yield float(point.get("step", 0)), metric, float(point.get("value", 0))
        token = said.get("next_page_token") or ""
        if not token:
            return
