"""Mutated bodies against a served process: no 5xx, no answer over two seconds, bounded memory.

    python -m tests.hostile.fuzz --requests 100000 [--seed 0]

Seeds are good bodies of every writing route and those of the corpus that are small; a mutation is one to four edits of
bytes, tokens or the document's tree. All of it follows from the seed, so that what fails can be sent again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import Any

import psutil

from app.api import access_schemas, examples, run_schemas
from app.store.embedded import embedded_postgres
from app.store.migrate import migrate
from tests.hostile.corpus import JSON_HEADERS, NDJSON_HEADERS
from tests.hostile.inputs import body_of, inputs
from tests.hostile.served import Served, served

CONNECTIONS = 4
SLOWEST_SECONDS = 2.0
MAX_GROWTH_BYTES = 300 * 2**20
SMALL_BYTES = 4_096
NO_ANSWER = 0
"""In place of a status: the connection was closed, or nothing came."""
UNKNOWN_RUN = "019c0000-0000-7000-8000-000000000000"


@dataclass(frozen=True)
class Request:
    """What is sent; its body is mutated, the rest is right."""

    method: str
    path: str
    media_type: str
    body: bytes

    def to_bytes(self) -> bytes:
        head = f"{self.method} {self.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {self.media_type}\r\n"
        return head.encode() + b"Content-Length: %d\r\n\r\n" % len(self.body) + self.body


# ---------------------------------------------------------------- mutations


def requests(seed: int, run: str = UNKNOWN_RUN) -> Iterator[Request]:
    """Mutated requests without end."""
    rng = random.Random(seed)
    good, bad = _good(run), _bad(run)
    while True:
        one = rng.choice(good if rng.random() < 0.8 else bad)
        body = one.body
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            body = rng.choice(MUTATIONS)(rng, body)
        yield Request(one.method, one.path, one.media_type, body[: 64 * SMALL_BYTES])


def _good(run: str) -> list[Request]:
    bodies: list[tuple[str, str, Any]] = [
        *(("POST", "/v1/runs", example["value"]) for example in run_schemas.RUN_REQUESTS.values()),
        ("POST", "/v1/runs/batch", run_schemas.BATCH),
        ("PATCH", f"/v1/runs/{run}", run_schemas.PATCH),
        ("PUT", "/v1/datasets/sonar?project=demo", run_schemas.DATASET_DESCRIPTION),
        ("PUT", "/v1/projects/demo", examples.PROJECT_SETTINGS),
        ("POST", "/v1/keys", access_schemas.REQUEST),
        ("POST", "/v1/refits", examples.REFIT_REQUEST),
        *(("POST", "/v1/recommend", example["value"]) for example in examples.RECOMMEND_REQUESTS.values()),
    ]
    made = [Request(method, path, "application/json", json.dumps(body).encode()) for method, path, body in bodies]
    return [*made, Request("POST", "/v1/runs/batch", "application/x-ndjson", run_schemas.STREAM.encode())]


def _bad(run: str) -> list[Request]:
    given = [one for one in inputs() if one["headers"] in (JSON_HEADERS, NDJSON_HEADERS)]
    made = [
        Request(one["method"], one["path"].replace("{run}", run), one["headers"][0][1], body_of(one) or b"")
        for one in given
    ]
    return [request for request in made if len(request.body) <= SMALL_BYTES]


def _flip(rng: random.Random, body: bytes) -> bytes:
    at = rng.randrange(len(body) + 1)
    return body[:at] + bytes([rng.randrange(256)]) + body[at + 1 :]


def _insert(rng: random.Random, body: bytes) -> bytes:
    at = rng.randrange(len(body) + 1)
    return body[:at] + rng.choice(TOKENS) * rng.choice((1, 1, 1, 2, 50)) + body[at:]


def _cut(rng: random.Random, body: bytes) -> bytes:
    start, end = sorted(rng.randrange(len(body) + 1) for _ in range(2))
    return body[:start] + body[min(end, start + rng.choice((1, 8, 1_000))) :]


def _repeat(rng: random.Random, body: bytes) -> bytes:
    start, end = sorted(rng.randrange(len(body) + 1) for _ in range(2))
    return body[:end] + body[start:end] * rng.choice((1, 2, 20)) + body[end:]


def _swap_value(rng: random.Random, body: bytes) -> bytes:
    """Another value where a number, a string, or a word stands."""
    places = list(_SCALAR.finditer(body))
    if not places:
        return body
    place = rng.choice(places)
    return body[: place.start()] + rng.choice(VALUES) + body[place.end() :]


def _graft(rng: random.Random, body: bytes) -> bytes:
    """A part of the document in the place of another: well-formed, and out of place."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return _flip(rng, body)
    places = list(_places(document))
    if not places:
        return body
    (parent, key), (donor, part) = rng.choice(places), rng.choice(places)
    parent[key] = json.loads(json.dumps(donor[part]))
    return json.dumps(document).encode()


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    keys = document if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    for key in keys:
        yield document, key
        yield from _places(document[key])


_SCALAR = re.compile(rb'"[^"]{0,40}"|-?\d+(?:\.\d+)?|true|false|null')
TOKENS = (
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u0000", b"\\ud800", b"\x00", b"\xff", b"\xc3", b"\n", b"\r\n",
    b" ", b"-", b"1", b"e9", b".", b"NaN", b'"a":1,', b'"":', b"\xef\xbb\xbf", b"\xe2\x80\xae", b"'", b"`", b"**9",
)  # fmt: skip
VALUES = (
    b"null", b"true", b"0", b"-0.0", b"1e300", b"-1e300", b"1e301", b"1e-320", b"9007199254740992", b"9007199254740993",
    b"0.1", b'""', b'"a"', b"[]", b"{}", b"[[]]", b'{"":{}}', b"[null]", b'"\\u0000"', b'"\\udfff"', b"NaN", b"1e400",
    b"1" * 70, b'"' + b"a" * 300 + b'"', b'"2026-02-30T00:00:00Z"', b'"x ** x < 9"', b'{"type":"int","low":0,"high":1}',
)  # fmt: skip
MUTATIONS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _flip, _insert, _cut, _repeat, *[_swap_value] * 5, *[_graft] * 5,
)  # fmt: skip


# ---------------------------------------------------------------- the campaign


@dataclass
class Campaign:
    """What became of the requests."""

    tried: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[tuple[int, Request]] = field(default_factory=list)
    slowest_seconds: float = 0.0
    slowest: Request | None = None
    hung: bool = False
    """Whether the slowest one was too slow, when it was sent again by itself, too."""
    memory_before: int = 0
    memory_peak: int = 0

    def note(self, request: Request, status: int, seconds: float) -> None:
        self.tried += 1
        self.statuses[status] += 1
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self.failures.append((status, request))
        if seconds > self.slowest_seconds:
            self.slowest_seconds, self.slowest = seconds, request


async def run(victim: Served, n_requests: int, seed: int = 0) -> Campaign:
    """Send that many mutated requests over a few connections."""
    campaign = Campaign(memory_before=victim.memory())
    waiting = islice(requests(seed, await _begin_run(victim)), n_requests)
    await asyncio.gather(*(_connection(victim, waiting, campaign) for _ in range(CONNECTIONS)))
    if campaign.slowest is not None and campaign.slowest_seconds > SLOWEST_SECONDS:
        campaign.hung = await _alone(victim, campaign.slowest) > SLOWEST_SECONDS
    return campaign


async def _alone(victim: Served, request: Request) -> float:
    """How long a request takes by itself, seconds, the best of three: a machine that is busy has not hung."""
    times = []
    for _ in range(3):
        alone = Campaign()
        await _connection(victim, iter([request]), alone)
        assert not alone.failures, alone.failures
        times.append(alone.slowest_seconds)
    return min(times)


async def _begin_run(victim: Served) -> str:
    """The id of a run that can be patched."""
    body = json.dumps({"dataset": "sonar", "state": "running"}).encode()
    reader, writer = await asyncio.open_connection(*victim.address)
    _, answer = await _exchange(reader, writer, Request("POST", "/v1/runs", "application/json", body))
    writer.close()
    identifier: str = json.loads(answer)["id"]
    return identifier


async def _connection(victim: Served, waiting: Iterator[Request], campaign: Campaign) -> None:
    reader, writer = await asyncio.open_connection(*victim.address)
    for request in waiting:
        started = time.perf_counter()
        try:
            status, _ = await _exchange(reader, writer, request)
        except (OSError, EOFError, TimeoutError):
            campaign.failures.append((NO_ANSWER, request))
            return
        campaign.note(request, status, time.perf_counter() - started)
        if campaign.tried % 100 == 0:
            campaign.memory_peak = max(campaign.memory_peak, victim.memory())
    writer.close()


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request) -> tuple[int, bytes]:
    """One answer. Raises: OSError or EOFError where the server closes the connection, which it has no reason to."""
    writer.write(request.to_bytes())
    await writer.drain()
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return int(head.split()[1]), await reader.readexactly(int(length[1]) if length else 0)


# ---------------------------------------------------------------- the long one


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="forerun-fuzz-") as name:
        directory = Path(name)
        directory.chmod(0o711)  # the database's own user has to pass
        with embedded_postgres(directory) as url:
            migrate(url)
            with served(url, directory, LOG_LEVEL="warning") as victim:
                campaign = asyncio.run(run(victim, options.requests, options.seed))
                log = victim.log.read_text()
    print(_report(campaign, time.monotonic() - started), log[-2_000:], sep="\n")  # noqa: T201  # what it is run for
    return 1 if campaign.failures or campaign.hung else 0


def _report(campaign: Campaign, seconds: float) -> str:
    lines = [
        f"requests tried   {campaign.tried:,} in {seconds:,.0f} s ({psutil.cpu_count()} cores)",
        "statuses         " + ", ".join(f"{status}: {n:,}" for status, n in sorted(campaign.statuses.items())),
        f"5xx found        {len(campaign.failures)}",
        f"slowest answer   {campaign.slowest_seconds * 1000:,.0f} ms",
        f"peak memory      {campaign.memory_peak / 2**20:,.0f} MiB ({campaign.memory_before / 2**20:,.0f} before)",
    ]
    lines += [
        f"{status} {request.method} {request.path} {request.body!r}" for status, request in campaign.failures[:20]
    ]
    if (slowest := campaign.slowest) is not None:
        lines.append(f"the slowest was  {slowest.method} {slowest.path} {slowest.body[:500]!r}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
