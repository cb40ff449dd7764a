"""Single runs that their connections answer: the same answers as any other way gives, in order, and none is lost."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import orjson
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from uvicorn import Config
from uvicorn.server import ServerState

from app import direct, telemetry
from app import keys as made
from app.api import layers
from app.config import Settings
from app.direct import MAX_BYTES, Direct
from app.flows.access import Keyring
from app.flows.intake import Answer, Intake
from app.main import create_app
from app.store.upsert import Outcome
from tests.api.conftest import served
from tests.test_connections import Wire

RUN = {"project": "p", "run_id": "a", "dataset": "d", "state": "completed", "metrics": {"accuracy": 0.5}}
JSON = "application/json"
INDIRECT = "application/json; charset=utf-8"
"""Means the same, and is not ordinary."""


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the requests that came to the application."""
    paths: list[str] = []
    call = layers.Layered.__call__

    async def noted(self: layers.Layered, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            paths.append(scope["path"])
        await call(self, scope, receive, send)

    monkeypatch.setattr(layers.Layered, "__call__", noted)
    return paths


def request(body: bytes, *headers: str, media_type: str = JSON) -> bytes:
    lines = [
        "POST /v1/runs HTTP/1.1",
        "Host: localhost",
        f"Content-Type: {media_type}",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def run(run_id: str, **changes: Any) -> bytes:
    return orjson.dumps(RUN | {"run_id": run_id} | changes)


@contextmanager
def connected(url: str) -> Iterator[socket.SocketType]:
    parts = httpx.URL(url)
    with socket.create_connection((parts.host, parts.port or 80), 30) as connection:
        yield connection


def answers(connection: socket.SocketType, n: int) -> list[tuple[int, dict[str, str], Any]]:
    """Status, headers and body of the next `n` answers."""
    found = []
    with connection.makefile("rb") as stream:
        for _ in range(n):
            status = int(stream.readline().split()[1])
            lines = iter(lambda: stream.readline().strip().decode(), "")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            found.append((status, headers, json.loads(stream.read(int(headers["content-length"])))))
    return found


def n_stored(settings: Settings) -> int:
    assert settings.database_url is not None
    with psycopg.connect(settings.database_url.replace("+psycopg", "")) as connection:
        [row] = connection.execute("SELECT count(*) FROM runs").fetchall()
    return int(row[0])


# ---------------------------------------------------------------- the same answers

BODIES = {
    "a run": run("new"),
    "a run that is there": run("a"),
    "another under its run_id": run("a", metrics={"accuracy": 0.75}),
    "no run": b'{"nonsense": true}',
    "no JSON": b'{"run_id": ',
    "one name twice": b'{"project": "p", "project": "q"}',
    "an integer that is too large": run("large", hyperparameters={"seed": 2**53 + 1}),
    "a name in another spelling": run("spelled", hyperparameters={"a\u0301": 1}),
    "nested too deep": run("deep", hyperparameters={"a": json.loads("[" * 60 + "]" * 60)}),
    "a recommendation that is not there": run("lost", recommendation_id="0192b4a6-0000-7000-8000-000000000000"),
    "nothing": b"",
    "more than is ordinary": run("big", tags={f"tag{i}": "x" * 100 for i in range(MAX_BYTES // 100)}),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_it_is_answered_as_by_the_route(settings: Settings, body: bytes) -> None:
    with served(create_app(settings)) as url, httpx.Client(base_url=url) as client:
        for project in ("p", "q"):
            seed = run("a", project=project)
            client.post("/v1/runs", content=seed, headers={"Content-Type": JSON}).raise_for_status()

        def told(media_type: str, body: bytes) -> tuple[int, dict[str, str], Any]:
            headers = {"Content-Type": media_type, "X-Request-ID": "job-1"}
            answer = client.post("/v1/runs", content=body, headers=headers)
            document = answer.json()
            document.pop("id", None)
            varying = {"date", "content-length"}
            return answer.status_code, {k: v for k, v in answer.headers.items() if k not in varying}, document

        assert told(JSON, body) == told(INDIRECT, body.replace(b'"p"', b'"q"'))


def test_what_is_ordinary_does_not_come_to_the_application(settings: Settings, passed: list[str]) -> None:
    with served(create_app(settings)) as url, httpx.Client(base_url=url) as client:
        for number in range(3):
            answer = client.post("/v1/runs", content=run(f"r{number}"), headers={"Content-Type": JSON})
            assert answer.status_code == 201
        assert passed == []
        client.post("/v1/runs", content=run("a"), headers={"Content-Type": INDIRECT})
        assert passed == ["/v1/runs"]
    assert n_stored(settings) == 4


UNUSUAL = {
    "a query": (lambda sent: sent.replace(b" /v1/runs ", b" /v1/runs?x=1 "), 422),
    "a body in chunks": (lambda sent: sent.replace(b"Content-Length: ", b"Transfer-Encoding: chunked\r\nX: "), 400),
    "a compressed body": (lambda sent: sent.replace(b"Host:", b"Content-Encoding: gzip\r\nHost:"), 415),
    "another site": (lambda sent: sent.replace(b"Host:", b"Origin: http://elsewhere.example\r\nHost:"), 403),
    "another host": (lambda sent: sent.replace(b"localhost", b"elsewhere.example"), 403),
    "two types": (lambda sent: sent.replace(b"Host:", b"Content-Type: text/plain\r\nHost:"), 415),
    "a key that is none": (lambda sent: sent.replace(b"Host:", b"Authorization: Bearer fr_x\r\nHost:"), 401),
    "an old protocol": (lambda sent: sent.replace(b"HTTP/1.1", b"HTTP/1.0"), 201),
    "an escaped path": (lambda sent: sent.replace(b"/v1/runs", b"/v1/r%75ns"), 201),
}


@pytest.mark.parametrize(("change", "status"), UNUSUAL.values(), ids=UNUSUAL)
def test_what_is_not_ordinary_does(
    settings: Settings, passed: list[str], change: Callable[[bytes], bytes], status: int
) -> None:
    with served(create_app(settings)) as url, connected(url) as connection:
        connection.sendall(change(request(run("a"))) + b"\r\n")
        assert [found[0] for found in answers(connection, 1)] == [status]
    assert passed == ["/v1/runs"]


# ---------------------------------------------------------------- one connection


def test_requests_in_a_row_are_answered_in_order(settings: Settings) -> None:
    """Whichever way each of them goes."""
    sent = [
        request(run("a")),
        request(run("b", hyperparameters={"seed": 2**53 + 1})),
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        request(run("c")),
        request(run("d"), media_type=INDIRECT),
        request(run("a")),
        request(b"{"),
    ]
    with served(create_app(settings)) as url, connected(url) as connection:
        connection.sendall(b"".join(sent))
        found = answers(connection, len(sent))
    assert [status for status, _, _ in found] == [201, 422, 200, 201, 201, 200, 400]
    assert [body.get("run_id") for _, _, body in found] == ["a", None, None, "c", "d", "a", None]


@pytest.mark.parametrize(("patience", "pause"), [(60.0, 0.01), (0.01, 0.1)], ids=["soon", "late"])
def test_a_body_may_come_in_pieces(
    settings: Settings, passed: list[str], monkeypatch: pytest.MonkeyPatch, patience: float, pause: float
) -> None:
    monkeypatch.setattr(direct, "PIECES_SECONDS", patience)
    sent = request(run("a"))
    with served(create_app(settings)) as url, connected(url) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for begin, end in ((0, 60), (60, len(sent) - 20), (len(sent) - 20, None)):
            connection.sendall(sent[begin:end])
            time.sleep(pause)
        assert [found[0] for found in answers(connection, 1)] == [201]
    assert passed == (["/v1/runs"] if pause > patience else [])
    assert n_stored(settings) == 1


def test_the_last_request_of_a_connection_closes_it(settings: Settings, passed: list[str]) -> None:
    with served(create_app(settings)) as url, connected(url) as connection:
        connection.sendall(request(run("a"), "Connection: close"))
        [(status, headers, _)] = answers(connection, 1)
        assert connection.recv(1) == b""
    assert (status, headers["connection"], passed) == (201, "close", [])


def test_a_run_whose_client_left_is_stored(settings: Settings) -> None:
    with served(create_app(settings)) as url:
        with connected(url) as connection:
            connection.sendall(request(run("a")))
        with connected(url) as connection:
            connection.sendall(request(run("b"))[:-5])
        assert httpx.get(f"{url}/healthz").status_code == 200
    assert n_stored(settings) == 1
    assert telemetry.in_progress.n == 0


def test_what_is_under_way_when_the_service_stops_is_answered(settings: Settings) -> None:
    with socket.socket() as whole, socket.socket() as half:
        with served(create_app(settings)) as url:
            address = (httpx.URL(url).host, httpx.URL(url).port or 80)
            for connection, sent in ((whole, request(run("a"))), (half, request(run("b"))[:-5])):
                connection.settimeout(30)
                connection.connect(address)
                connection.sendall(sent)
            httpx.get(f"{url}/healthz")  # both are being served by now
            half.sendall(request(run("b"))[-5:])
        found = [answers(connection, 1)[0] for connection in (whole, half)]
    assert [status for status, _, _ in found] == [201, 201]
    assert n_stored(settings) == 2


# ---------------------------------------------------------------- what operators see


def test_it_is_counted_logged_and_named_as_any_request(settings: Settings) -> None:
    def counted(url: str) -> dict[str, float]:
        lines = [line.rpartition(" ") for line in httpx.get(f"{url}/metrics").text.splitlines() if "/v1/runs" in line]
        return {name: float(value) for name, _, value in lines}

    with served(create_app(settings)) as url:
        before = counted(url)
        for media_type, run_id in ((JSON, "a"), (INDIRECT, "b")):
            headers = {"Content-Type": media_type, "X-Request-ID": f"job-{run_id}"}
            answer = httpx.post(f"{url}/v1/runs", content=run(run_id), headers=headers)
            assert answer.headers["x-request-id"] == f"job-{run_id}"
            assert answer.headers["x-content-type-options"] == "nosniff"
        grown = {name: value - before.get(name, 0) for name, value in counted(url).items()}
    series = 'method="POST",route="/v1/runs"'
    assert grown[f'forerun_http_requests_total{{{series},status="201"}}'] == 2
    assert grown[f"forerun_http_request_body_bytes_total{{{series}}}"] == 2 * len(run("a"))
    assert grown[f"forerun_http_request_duration_seconds_count{{{series}}}"] == 2


def test_a_request_keeps_its_id_when_it_is_passed_on(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[str | None] = []
    take = Intake.take

    def noted(self: Intake, run: Any, reaches: Callable[[str], bool], answer: Answer, asked: str | None) -> None:
        given.append(asked)
        take(self, run, reaches, answer, asked)

    monkeypatch.setattr(Intake, "take", noted)
    with served(create_app(settings)) as url:
        headers = {"Content-Type": JSON, "X-Request-ID": "no id, for all its spaces"}
        answer = httpx.post(f"{url}/v1/runs", content=b"{}", headers=headers)
    assert answer.status_code == 422
    assert given == [answer.headers["x-request-id"]] == [answer.json()["request_id"]]


def test_what_nobody_foresaw_is_a_bare_500(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Intake, body: bytes, reaches: object, answer: Answer, asked: str | None) -> None:
        answer.set_exception(RuntimeError("the secret reason"))

    monkeypatch.setattr(Intake, "take", broken)
    with served(create_app(settings)) as url:
        answer = httpx.post(f"{url}/v1/runs", content=run("a"), headers={"Content-Type": JSON})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text


def test_a_key_is_looked_at_each_time(settings: Settings) -> None:
    required = settings.model_copy(update={"auth": "required"})
    assert settings.database_url is not None
    _, one = made.create(settings.database_url, "one", ["ingest"], ["p"], None)
    _, reader = made.create(settings.database_url, "reader", ["read"], None, None)
    with served(create_app(required)) as url, httpx.Client(base_url=url) as client:

        def status(key: str | None, project: str = "p") -> int:
            headers = {"Content-Type": JSON} | ({} if key is None else {"Authorization": f"Bearer {key}"})
            return client.post("/v1/runs", content=run("a", project=project), headers=headers).status_code

        assert [status(one) for _ in range(3)] == [201, 200, 200]
        assert status(one, "q") == 403
        assert [status(reader), status(None), status(f"{one[:-1]}{'A' if one[-1] != 'A' else 'B'}")] == [403, 401, 401]


# ---------------------------------------------------------------- however it is cut


class _Open(Wire):
    """Until it is closed."""

    def is_closing(self) -> bool:
        return "closed" in self.done


class _Ready(Intake):
    """Takes everything for a run, and keeps who waits."""

    def __init__(self) -> None:
        self.taken: list[tuple[bytes, Answer]] = []

    def take(self, body: Any, reaches: object, answer: Answer, asked: str | None) -> None:
        self.taken.append((body, answer))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=4), st.lists(st.integers(1, 400), max_size=20))
async def test_however_requests_are_cut_each_is_taken_once_and_in_order(kinds: list[int], cuts: list[int]) -> None:
    """Every one of them is ordinary: nothing comes to the application."""
    bodies = [b'{"n": %d, "pad": "%b"}' % (n, b"x" * 50 * kind) for n, kind in enumerate(kinds)]
    service = create_app(Settings(database_url="postgresql://nobody@localhost/none"))
    intake = service.state.intake = _Ready()
    service.state.keyring = Keyring(service)  # type: ignore[arg-type]  # nothing is asked of it
    config = Config(service, http=Direct, log_config=None, access_log=False)
    config.load()
    connection = Direct(config, ServerState(), {}, _loop=asyncio.get_running_loop())
    wire = _Open()
    connection.connection_made(wire)
    for n, body in enumerate(bodies):
        sent = request(body)
        places = sorted({min(cut, len(sent)) for cut in cuts} | {len(sent)})
        for begin, end in zip([0, *places], places, strict=False):
            connection.data_received(sent[begin:end])
        assert [taken for taken, _ in intake.taken] == bodies[: n + 1]
        intake.taken[n][1].set_result(Outcome(0, "created", str(n), None, None, 1))
        assert b"".join(done for done in wire.done if isinstance(done, bytes)).count(b"HTTP/1.1 201 ") == n + 1
    connection.connection_lost(None)
