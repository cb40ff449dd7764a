"""What no HTTP library sends: broken requests, bodies that lie about their length, drip, or never end."""

from __future__ import annotations

import json
import re
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from app.api.problems import MEDIA_TYPE, Problem
from app.api.receipts import MAX_FAULTS
from tests.conftest import _database
from tests.hostile.served import Served, served
from tests.hostile.test_corpus import assert_well

POST = b"POST /v1/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
STREAM = b"POST /v1/runs/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
BODY_SECONDS = 1
GIVEN_UP_SECONDS = 30
"""Until which a busy machine has noticed."""


@pytest.fixture(scope="module")
def victim(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """With little patience."""
    patience = {"BODY_TIMEOUT_SECONDS": str(BODY_SECONDS), "IDLE_TIMEOUT_SECONDS": "2"}
    directory: Path = tmp_path_factory.mktemp("wire")
    with contextmanager(_database)(server_url, template) as url, served(url, directory, **patience) as process:
        process.settle()  # what is measured is the memory of requests
        yield process


@pytest.fixture(autouse=True)
def _as_well_as_before(victim: Served) -> Iterator[None]:
    yield
    assert_well(victim)
    assert b"unexpected error" not in victim.log.read_bytes()


BROKEN = {
    "nothing that is HTTP": b"\x00\x01\x02\x03\r\n\r\n",
    "a TLS greeting": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
    "a greeting of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an unknown method": b"FROB /v1/runs HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "an unknown version": b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "a space in a header's name": b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "a NUL in a header": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: a\x00b\r\n\r\n",
    "a folded header": b"GET /healthz HTTP/1.1\r\nX-A: a\r\n b\r\nHo\x7fst: x\r\n\r\n",
    "a raw byte in the path": b"GET /v1/\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a control character in the path": b"GET /v1/\x01 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n{}",
    "a length with a sign": POST + b"Content-Length: +2\r\n\r\n{}",
    "a length of 10^30": POST + b"Content-Length: 1000000000000000000000000000000\r\n\r\n{}",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
    "a length and chunks": POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an unknown transfer encoding": POST + b"Transfer-Encoding: gzip\r\n\r\nxx",
}


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN)
def test_what_is_no_request_is_a_problem_all_the_same(sent: bytes, victim: Served) -> None:
    status, headers, body = exchange(victim, sent)
    assert status == 400
    assert headers["content-type"] == MEDIA_TYPE
    assert headers["x-content-type-options"] == "nosniff"
    assert Problem.model_validate_json(body).code == "bad_request"


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: b\r\n" * 10_000 + b"\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"b" * 2**20 + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"b" * 2**20,
        b"GET /" + b"a" * 2**20 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: b\r\n" * 10_000,
    ],
    ids=["10,000 headers", "a header of 1 MB", "one that never ends", "a path of 1 MB", "headers that never end"],
)
def test_a_head_has_a_limit(sent: bytes, victim: Served) -> None:
    status, _, body = exchange(victim, sent)
    assert (status, json.loads(body)["code"]) == (431, "request_header_fields_too_large")


def test_a_head_within_the_limit_is_taken_on_every_request_of_a_connection(victim: Served) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"b" * 40_000 + b"\r\n\r\n"
    with socket.create_connection(victim.address, timeout=GIVEN_UP_SECONDS) as connection:
        for _ in range(4):
            connection.sendall(request)
            assert answer_of(connection)[0] == 200


def test_a_length_beyond_the_limit_is_refused_before_the_body_is_sent(victim: Served) -> None:
    status, _, body = exchange(victim, POST + b"Content-Length: 100000000000\r\n\r\n")
    assert (status, json.loads(body)["code"]) == (413, "payload_too_large")


def test_nobody_is_told_to_go_on_with_a_body_that_is_refused(victim: Served) -> None:
    status, _, _ = exchange(victim, POST + b"Content-Length: 100000000000\r\nExpect: 100-continue\r\n\r\n")
    assert status == 413


def test_a_body_shorter_than_announced_stores_nothing(victim: Served) -> None:
    with socket.create_connection(victim.address, timeout=GIVEN_UP_SECONDS) as connection:
        connection.sendall(POST + b'Content-Length: 100\r\n\r\n{"dataset":"d"')
        connection.shutdown(socket.SHUT_WR)
        connection.recv(65_536)


@pytest.mark.parametrize("chunk", [b"zz\r\n", b"-1\r\n", b"5\r\nabcdefgh\r\n", b"ffffffffffffffffff\r\n"])
def test_broken_chunks_end_the_connection(chunk: bytes, victim: Served) -> None:
    status, _, _ = exchange(victim, POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunk)
    assert status == 400


def test_an_upgrade_is_not_taken(victim: Served) -> None:
    upgrade = (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n"
    )
    status, _, _ = exchange(victim, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + upgrade)
    assert 200 <= status < 500


@pytest.mark.parametrize("head", [POST, STREAM], ids=["run", "stream"])
def test_a_body_that_drips_is_given_up(head: bytes, victim: Served) -> None:
    with socket.create_connection(victim.address, timeout=GIVEN_UP_SECONDS) as connection:
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
        connection.settimeout(0.1)
        answer, started = b"", time.monotonic()
        while not answer and time.monotonic() - started < GIVEN_UP_SECONDS:
            connection.sendall(b"1\r\n \r\n")
            try:
                answer = connection.recv(65_536)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    "head", [b"", b"GET /hea", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-"], ids=["0", "8", "31"]
)
def test_a_head_that_does_not_come_is_given_up(head: bytes, victim: Served) -> None:
    with socket.create_connection(victim.address, timeout=GIVEN_UP_SECONDS) as connection:
        connection.sendall(head)
        assert connection.recv(1) == b""


def test_a_line_of_100_megabytes_is_refused_in_little_memory(victim: Served) -> None:
    before, most = victim.memory(), 0
    piece = b"%x\r\n%s\r\n" % (2**20, b"a" * 2**20)
    with socket.create_connection(victim.address, timeout=60) as connection:
        connection.sendall(STREAM + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(100):
            connection.sendall(piece)
            most = max(most, victim.memory())
        connection.sendall(b"0\r\n\r\n")
        status, _, body = answer_of(connection)
    assert status == 200
    assert json.loads(body)["results"][0]["error"]["code"] == "payload_too_large"
    assert most - before < 30 * 2**20


def test_others_are_answered_while_a_batch_of_a_million_faults_is_read(victim: Served) -> None:
    good = {"dataset": "d", "state": "failed"}
    bad = good | {"metrics": {f"{i:x}": "" for i in range(100)}}
    body = json.dumps({"runs": [bad] * 9_999 + [good]}).encode()
    head = b"POST /v1/runs/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with socket.create_connection(victim.address, timeout=60) as connection:
        connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        n_others = 0
        while not select.select([connection], [], [], 0)[0]:
            status, _, _ = exchange(victim, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert status == 200
            n_others += 1
        assert n_others > 3
        status, _, answer = answer_of(connection)
    told = json.loads(answer)
    assert (status, told["created"], told["rejected"]) == (200, 1, 9_999)
    assert [len(result["error"]["errors"]) for result in told["results"][98:102]] == [MAX_FAULTS, MAX_FAULTS, 0, 0]
    assert "100 faults" in told["results"][100]["error"]["detail"]
    assert len(answer) < 3_000_000


def exchange(victim: Served, sent: bytes) -> tuple[int, dict[str, str], bytes]:
    """One answer to these bytes."""
    with socket.create_connection(victim.address, timeout=GIVEN_UP_SECONDS) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):  # refused while it was being sent
            connection.sendall(sent)
        return answer_of(connection)


def answer_of(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    received = b""
    while not (whole := re.match(rb"(.*?)\r\n\r\n(.*)", received, re.DOTALL)) or len(whole[2]) < _length(whole[1]):
        if not (more := connection.recv(65_536)):
            break
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    start, *lines = head.decode().split("\r\n")
    return int(start.split()[1]), {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}, body


def _length(head: bytes) -> int:
    found = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return int(found[1]) if found else 0
