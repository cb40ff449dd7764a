"""What the service tells its operators: Prometheus metrics, JSON logs, and a request id that ties the two together.

Labels are route templates and fixed words, never values of a request, so that no client can grow the set of series;
logs carry no body, header or query string, so that nothing secret can reach them.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache, lru_cache
from itertools import count
from os import urandom
from types import TracebackType
from typing import Any, TextIO

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import Metric
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import __version__, tracing

log = logging.getLogger("forerun.http")

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is being answered: in its answer's headers, its problem document and every log line."""

# ---------------------------------------------------------------- metrics

disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client's gap; a series for each series, and nobody asks
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_RUNS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)

BUILD = Gauge("forerun_build_info", "1, with the version that runs as its label.", ["version"], registry=REGISTRY)
BUILD.labels(__version__).set(1)

HTTP_REQUESTS = Counter(
    "forerun_http_requests", "Requests answered, by route template.", ["method", "route", "status"], registry=REGISTRY
)
HTTP_SECONDS = Histogram(
    "forerun_http_request_duration_seconds",
    "Time from the request's first byte to the answer's last.",
    ["method", "route"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
HTTP_BODY_BYTES = Counter(
    "forerun_http_request_body_bytes", "Bytes of bodies received.", ["method", "route"], registry=REGISTRY
)
HTTP_IN_PROGRESS = Gauge("forerun_http_requests_in_progress", "Requests being answered now.", registry=REGISTRY)
UNEXPECTED_ERRORS = Counter(
    "forerun_unexpected_errors", "Errors nobody foresaw, each answered with 500; should stay 0.", registry=REGISTRY
)
RUNS_INGESTED = Counter(
    "forerun_runs_ingested", "Runs received, by what became of them.", ["outcome"], registry=REGISTRY
)
INGEST_COMMIT_RUNS = Histogram(
    "forerun_ingest_commit_runs", "Runs that share one transaction.", buckets=_RUNS, registry=REGISTRY
)
INGEST_COMMIT_SECONDS = Histogram(
    "forerun_ingest_commit_duration_seconds",
    "Time from the first statement of an ingesting transaction to the end of its commit.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
INGEST_WAITING = Gauge("forerun_ingest_waiting_runs", "Single runs that wait for their transaction.", registry=REGISTRY)
RECOMMENDATIONS = Counter(
    "forerun_recommendations", "Recommendations answered, by what they rest on.", ["basis"], registry=REGISTRY
)
RECOMMEND_SECONDS = Histogram(
    "forerun_recommend_stage_duration_seconds",
    "Time spent in each stage of a recommendation.",
    ["stage"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
RECOMMEND_REFUSED = Counter(
    "forerun_recommend_refused", "Recommendations refused because too many were under way.", registry=REGISTRY
)
SEARCH_READY = Gauge(
    "forerun_search_ready", "1 once everything that searches is compiled in this process.", registry=REGISTRY
)
UNCOMPILED_VIEWS = Counter(
    "forerun_uncompiled_views",
    "Parts of meta-learners that were loaded and predict by CatBoost itself, since they could not be compiled.",
    registry=REGISTRY,
)
DAMAGED_BUNDLES = Counter(
    "forerun_damaged_bundles",
    "Times that a stored meta-learner was refused because its bundle is damaged; should stay 0.",
    registry=REGISTRY,
)
DATABASE_CHECKOUT_SECONDS = Histogram(
    "forerun_database_checkout_duration_seconds",
    "Wait for a connection to the database: a free one, its ping, or a new one.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
DATABASE_UNAVAILABLE = Counter(
    "forerun_database_unavailable",
    "Times that the database could not be used: no free connection (`pool`), an error (`error`), unreachable (`lost`).",
    ["reason"],
    registry=REGISTRY,
)
REPLICA_READS = Counter(
    "forerun_replica_reads",
    "Reads where there is a replica, by who answered: the `replica`, or the `primary` because the replica was behind.",
    ["server"],
    registry=REGISTRY,
)


# Series that are there from the start: what first happens is an increase then.
for outcome in ("created", "duplicate", "conflict", "rejected"):
    RUNS_INGESTED.labels(outcome)
for reason in ("pool", "error", "lost"):
    DATABASE_UNAVAILABLE.labels(reason)
for server in ("replica", "primary"):
    REPLICA_READS.labels(server)


@contextmanager
def recommend_stage(stage: str) -> Iterator[None]:
    """Time one stage of a recommendation, which is a span of its trace."""
    with RECOMMEND_SECONDS.labels(stage).time(), tracing.span(f"recommend {stage}"):
        yield


EXPOSITION_TYPE = CONTENT_TYPE_PLAIN_0_0_4


class _Together:
    """The metrics of this process, and some that were read for one exposition."""

    def __init__(self, facts: Iterable[Metric]) -> None:
        self.facts = facts

    def collect(self) -> Iterator[Metric]:
        yield from REGISTRY.collect()
        yield from self.facts


def exposition(facts: Iterable[Metric] = ()) -> bytes:
    """All metrics in the Prometheus text format, with `facts` that are kept nowhere in this process."""
    return generate_latest(_Together(facts))


# ---------------------------------------------------------------- logs

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonLines(logging.Formatter):
    """One JSON object a line, ASCII only: no value can forge a second line or a terminal sequence."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (current := request_id.get()) is not None:
            line["request_id"] = current
        if (trace := tracing.trace_id()) is not None:
            line["trace_id"] = trace
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _encode(line)


_encode = json.JSONEncoder(default=str).encode  # `json.dumps` would make an encoder for each line


class Lines(logging.StreamHandler[TextIO]):
    """JSON lines to stderr; those about requests, which most are, without a record and a write for each.

    That took 50 µs, a fifth of all that was done for a run that is posted.
    """

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(JsonLines())
        self._told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, after what was told before it."""
        self._write()
        super().emit(record)

    def tell(self, method: str, route: str, status: int, seconds: float) -> None:
        """The line that `JsonLines` would make of a request's record, written with all others of this moment."""
        now, id_ = time.time_ns() // 1_000_000, request_id.get()
        moment = f"{_second(now // 1_000)}.{now % 1_000:03d}+00:00"
        named = f'"request_id": "{id_}", ' if id_ is not None else ""
        begin, end = _around(method, route, status)
        self._told.append(f'{{"time": "{moment}", {begin}, {named}{end}, "duration_seconds": {seconds!r}}}\n')
        if len(self._told) == 1:
            asyncio.get_running_loop().call_soon(self._write_alone)

    def _write_alone(self) -> None:
        with self.lock or nullcontext():
            self._write()

    def _write(self) -> None:
        told, self._told = self._told, []
        if told:
            with suppress(OSError, ValueError):  # nobody reads it any more
                self.stream.write("".join(told))
                self.flush()


@lru_cache(2)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


@cache
def _around(method: str, route: str, status: int) -> tuple[str, str]:
    """What is the same in all lines about requests of a kind: before the request's id, and after it."""
    said = {"level": "info", "logger": log.name, "message": f"{method} {route} {status}"}
    return _encode(said)[1:-1], _encode({"method": method, "route": route, "status": status})[1:-1]


def configure_logging(level: str) -> None:
    """Send every log of this process to stderr as JSON lines.

    uvicorn's access log is silenced: the middleware below writes one line per request, with its id and duration.
    """
    logging.basicConfig(level=level.upper(), handlers=[Lines()], force=True)
    logging.captureWarnings(True)
    sys.excepthook = _log_what_nobody_caught
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = name != "uvicorn.access"


def _log_what_nobody_caught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, Exception):
        logging.getLogger("forerun").critical("the process ends", exc_info=(kind, error, traceback))
    else:
        sys.__excepthook__(kind, error, traceback)


# ---------------------------------------------------------------- the middleware

_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class _InProgress:
    """Requests being answered now: a number to look at, since each look at a gauge takes a lock."""

    n = 0


in_progress = _InProgress()
HTTP_IN_PROGRESS.set_function(lambda: in_progress.n)


class Telemetry:
    """Outermost ASGI layer: gives each request an id, counts it, times it, logs it, and sets the security headers.

    Plain ASGI: `BaseHTTPMiddleware` halves the throughput (measured).
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        current = id_for(next((value for name, value in scope["headers"] if name == b"x-request-id"), b""))
        token = request_id.set(current)
        status = 499  # what is logged when the client left before an answer began
        n_bytes = 0
        started = time.perf_counter()

        async def receive_and_count() -> Message:
            nonlocal n_bytes
            message = await receive()
            n_bytes += len(message.get("body", b""))
            return message

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _with_ours(message.get("headers", ()), current)
            await send(message)

        in_progress.n += 1
        try:
            await self.app(scope, receive_and_count, send_with_headers)
        finally:
            in_progress.n -= 1
            method = scope["method"] if scope["method"] in _METHODS else "other"
            route = getattr(scope.get("route"), "path_format", "unmatched")
            record(method, route, status, n_bytes, time.perf_counter() - started)
            request_id.reset(token)


def id_for(sent: bytes) -> str:
    """The client's request id where it is fit to be logged and sent back; a new one otherwise."""
    text = sent.decode("latin-1")
    return text if text and _ACCEPTABLE_ID.fullmatch(text) else f"{_OURS}{next(_COUNT):012x}"


_OURS, _COUNT = urandom(10).hex(), count()


def _with_ours(headers: Iterable[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
    """By hand: each look-up by Starlette walks all headers, and this is done for every answer."""
    kept = [(name, value) for name, value in headers if name.lower() != b"x-request-id"]
    return [*kept, *_missing(tuple([name for name, _ in kept])), (b"x-request-id", request_id.encode())]


@lru_cache(256)  # answers of a kind have the same headers
def _missing(given: tuple[bytes, ...]) -> list[tuple[bytes, bytes]]:
    names = {name.lower() for name in given}
    return [pair for pair in RAW_SECURITY_HEADERS if pair[0] not in names]


RAW_SECURITY_HEADERS = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


def record(method: str, route: str, status: int, n_bytes: int, seconds: float) -> None:
    """Count a request that was answered, and log it."""
    answered, duration, received = _series(method, route, status)
    answered.inc()
    duration.observe(seconds)
    if n_bytes:
        received.inc(n_bytes)
    if log.isEnabledFor(logging.INFO):
        _log_request(method, route, status, round(seconds, 6))


def _log_request(method: str, route: str, status: int, seconds: float) -> None:
    handlers = log.root.handlers
    if len(handlers) == 1 and isinstance(handlers[0], Lines) and tracing.trace_id() is None:
        handlers[0].tell(method, route, status, seconds)
        return
    about = {"method": method, "route": route, "status": status, "duration_seconds": seconds}
    log.info("%s %s %d", method, route, status, extra=about)


@cache  # routes and statuses are few; prometheus_client takes a lock and makes a tuple for each look-up
def _series(method: str, route: str, status: int) -> tuple[Counter, Histogram, Counter]:
    duration, received = HTTP_SECONDS.labels(method, route), HTTP_BODY_BYTES.labels(method, route)
    return HTTP_REQUESTS.labels(method, route, str(status)), duration, received


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
