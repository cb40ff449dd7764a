"""Sends the chunks of a source to a service, a few at a time, and says what became of them."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import orjson

from app.importers.source import CannotImport, Chunk, Cursor

IN_FLIGHT: Final = 3
"""Chunks that are on their way while the next one is read: more only wait in the service's queue."""
ATTEMPTS: Final = 6
FIRST_PAUSE_SECONDS: Final = 0.5
TIMEOUT_SECONDS: Final = 120.0
MAX_TOLD: Final = 20
"""Runs that were not taken and are told one by one."""
_NDJSON: Final = {"Content-Type": "application/x-ndjson"}
_AMENDED: Final = ("state", "metrics", "resources", "learning_curve", "finished_at")
_AGAIN: Final = frozenset({408, 425, 429, 502, 503, 504})


@dataclass(slots=True)
class Tally:
    """What became of an import so far."""

    created: int = 0
    duplicates: int = 0
    refreshed: int = 0
    conflicts: int = 0
    rejected: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)

    @property
    def seen(self) -> int:
        """Runs of the source that have been dealt with."""
        taken = self.created + self.duplicates + self.refreshed
        return taken + self.conflicts + self.rejected + self.left_out.total()

    def add(self, other: Tally) -> None:
        self.created += other.created
        self.duplicates += other.duplicates
        self.refreshed += other.refreshed
        self.conflicts += other.conflicts
        self.rejected += other.rejected
        self.left_out += other.left_out
        self.told += other.told[: MAX_TOLD - len(self.told)]


def post(
    client: httpx.Client,
    chunks: Iterable[Chunk],
    acknowledged: Callable[[Cursor, Tally], object],
    *,
    refresh: bool = False,
) -> Tally:
    """Send every chunk; with `refresh`, runs that are stored as running are brought up to date.

    `acknowledged` hears of each in the source's order: the cursor after it, the tally.

    Raises: CannotImport, when the service refuses a whole chunk or stays away.
    """
    total = Tally()
    under_way: deque[tuple[Chunk, Future[Tally]]] = deque()

    def settle() -> None:
        chunk, answer = under_way.popleft()
        total.add(answer.result())
        acknowledged(chunk.cursor, total)

    with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="import") as pool:
        try:
            for chunk in chunks:
                under_way.append((chunk, pool.submit(_send, client, chunk, refresh)))
                if len(under_way) > IN_FLIGHT:
                    settle()
            while under_way:
                settle()
        finally:
            for _, answer in under_way:
                answer.cancel()
    return total


def _send(client: httpx.Client, chunk: Chunk, refresh: bool) -> Tally:
    tally = Tally(left_out=chunk.left_out)
    if not chunk.bodies:
        return tally
    lines = b"".join(orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE) for body in chunk.bodies)
    receipt = _ask(client, "POST", "/v1/runs/batch", content=lines, headers=_NDJSON).json()
    tally.created, tally.duplicates = receipt["created"], receipt["duplicates"]
    for result in receipt["results"]:
        body = chunk.bodies[result["index"]]
        if refresh and result["status"] == "conflict" and _refreshed(client, result["id"], body):
            tally.refreshed += 1
            continue
        tally.conflicts += result["status"] == "conflict"
        tally.rejected += result["status"] != "conflict"
        if len(tally.told) < MAX_TOLD:
            tally.told.append(f"{body['run_id']}: {_why(result['error'])}")
    return tally


def _why(error: dict[str, Any]) -> str:
    faults = "; ".join(f"{fault['pointer']}: {fault['message']}" for fault in error.get("errors", ()))
    return faults or str(error["detail"])


def _refreshed(client: httpx.Client, stored: str, body: dict[str, Any]) -> bool:
    """Whether the stored run was still running, and has been amended with what the source knows by now."""
    if _ask(client, "GET", f"/v1/runs/{stored}").json()["state"] != "running":
        return False
    news = {name: body[name] for name in _AMENDED if name in body}
    return _ask(client, "PATCH", f"/v1/runs/{stored}", accepted=(404, 409, 422), json=news).is_success


def _ask(client: httpx.Client, method: str, path: str, accepted: tuple[int, ...] = (), **given: Any) -> httpx.Response:
    """A request, again and again while the service is busy or away. Raises: CannotImport."""
    pause = FIRST_PAUSE_SECONDS
    for attempt in range(1, ATTEMPTS + 1):
        try:
            answer = client.request(method, path, timeout=TIMEOUT_SECONDS, **given)
        except httpx.TransportError as error:
            trouble = f"{client.base_url} cannot be reached ({error or type(error).__name__})"
        else:
            if answer.is_success or answer.status_code in accepted:
                return answer
            trouble = problem(answer)
            if answer.status_code not in _AGAIN:
                raise CannotImport(trouble)
            if (wanted := answer.headers.get("Retry-After", "")).isdigit():
                pause = max(pause, float(wanted))
        if attempt < ATTEMPTS:
            time.sleep(pause)
            pause *= 2
    raise CannotImport(f"{trouble}; what was acknowledged is stored, and --resume goes on from there")


def problem(answer: httpx.Response) -> str:
    """What a service's refusal says, in one line."""
    try:
        told = answer.json()
        detail = f"{told['detail']} ({told['code']})"
    except (ValueError, KeyError, TypeError):
        detail = answer.text[:200]
    return f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {detail}"
