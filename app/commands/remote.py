"""The service from the command line's side: its address and key, its answers, and its problems told to people."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypeAlias

import httpx
import typer

from app.commands.shell import CannotGoOn

Json: TypeAlias = dict[str, Any]

Url = Annotated[str, typer.Option(envvar="FORERUN_URL", help="Where the service is.")]
Key = Annotated[str | None, typer.Option(envvar="FORERUN_KEY", help="An API key.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="The service's answer as it is, for other programs.")]

DEFAULT_URL = "http://127.0.0.1:8000"
TIMEOUT = httpx.Timeout(300.0, connect=5.0)


@contextmanager
def connected(url: str, key: str | None) -> Iterator[httpx.Client]:
    """Raises CannotGoOn, also for what goes wrong in the block: nobody there, or a problem."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT) as client:
            yield client
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise CannotGoOn(
            f"{url} does not answer ({error}); is `forerun serve` running? --url or FORERUN_URL says where"
        ) from error


def ask(client: httpx.Client, method: str, path: str, **given: Any) -> Json:
    """One request, its JSON answer. Raises CannotGoOn."""
    response = client.request(method, path, **given)
    if response.is_error:
        raise CannotGoOn(problem_told(response))
    answer: Json = response.json()
    return answer


def problem_told(response: httpx.Response) -> str:
    """A problem in lines: what is wrong, and each place where it is."""
    if not response.headers.get("Content-Type", "").startswith("application/problem+json"):
        said = f"{response.status_code} {response.reason_phrase}"
        return f"{response.request.url} answered {said}: is that a forerun service?"
    problem = response.json()
    return told(f"{response.status_code} {problem['code']}", problem["detail"], problem["errors"])


def told(head: str, detail: str, faults: list[Json]) -> str:
    """One fault, or none, on one line; several below each other."""
    lines = [f"{fault['pointer']}: {fault['message']}" for fault in faults] or [detail]
    return f"{head}: {lines[0]}" if len(lines) == 1 else "\n  ".join([f"{head}:", *lines])


def print_json(answer: Json) -> None:
    sys.stdout.write(json.dumps(answer, indent=2, ensure_ascii=False) + "\n")
