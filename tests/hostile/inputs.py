"""The corpus as requests, and the judgement of an answer."""

from __future__ import annotations

import base64
import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.api.problems import MEDIA_TYPE, Problem
from tests.hostile.corpus import CORPUS

SLOWEST_SECONDS = 2.0
MAX_ANSWER_BYTES = 20_000
PIECE = 65_536


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes
    seconds: float

    def json(self) -> Any:
        return json.loads(self.body)


def inputs() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CORPUS.read_text().splitlines()]


def body_of(given: dict[str, Any]) -> bytes | None:
    """The bytes that a recipe stands for."""
    parts = given["body"]
    if parts is None:
        return None
    return b"".join(_part(part) for part in (parts if isinstance(parts, list) else [parts]))


def _part(part: Any) -> bytes:
    if isinstance(part, str):
        return part.encode()
    if "base64" in part:
        return base64.b64decode(part["base64"])
    text, times = part["repeat"], part["times"]
    if "{i" not in text:
        return text.encode() * times
    before, _, rest = text.partition("{i")
    specification, _, after = rest.partition("}")
    return "".join(f"{before}{i:{specification.removeprefix(':')}}{after}" for i in range(times)).encode()


def send(given: dict[str, Any], address: tuple[str, int], run: str = "") -> Answer:
    """One request on a connection of its own, byte for byte: no client library mends it."""
    connection = http.client.HTTPConnection(*address, timeout=30)
    body = body_of(given)
    started = time.perf_counter()
    try:
        connection.putrequest(given["method"], given["path"].replace("{run}", run), skip_accept_encoding=True)
        chunked = ["Transfer-Encoding", "chunked"] in given["headers"]
        for name, value in given["headers"]:
            connection.putheader(name, value)
        if body is not None and not chunked:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        _send_body(connection, body or b"", chunked)
        response = connection.getresponse()
        content = response.read()
        return Answer(response.status, response.headers, content, time.perf_counter() - started)
    finally:
        connection.close()


def _send_body(connection: http.client.HTTPConnection, body: bytes, chunked: bool) -> None:
    try:
        for piece in _pieces(body):
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            connection.send(b"0\r\n\r\n")
    except (BrokenPipeError, ConnectionResetError):
        pass  # refused before its end; the answer is there to be read


def _pieces(body: bytes) -> Iterator[bytes]:
    return (body[start : start + PIECE] for start in range(0, len(body), PIECE))


def faults_in(given: dict[str, Any], answer: Answer) -> list[str]:
    """What is wrong with an answer; nothing if it is as expected."""
    seen = {"status": answer.status, **_refusal(answer)}
    wanted = {key: given[key] for key in ("status", "code", "pointer") if given.get(key) is not None}
    found = [
        f"{key}: {seen.get(key)!r} in place of {value!r}" for key, value in wanted.items() if seen.get(key) != value
    ]
    if "code" not in wanted and "code" in seen:
        found.append(f"an unexpected problem: {seen['code']}")
    if answer.seconds > SLOWEST_SECONDS:
        found.append(f"took {answer.seconds:.1f} s")
    if answer.status >= 400 and len(answer.body) > MAX_ANSWER_BYTES:
        found.append(f"the answer has {len(answer.body)} bytes")
    return found


def _refusal(answer: Answer) -> dict[str, Any]:
    """Code and first pointer of a problem, or of the first rejected run of a batch."""
    if answer.status >= 400:
        assert answer.headers["content-type"] == MEDIA_TYPE, answer.body[:200]
        assert answer.body.isascii()
        problem = Problem.model_validate_json(answer.body)
        return _shown(problem.code, [fault.pointer for fault in problem.errors])
    document = answer.json() if answer.headers["content-type"] == "application/json" else {}
    for result in document.get("results", []):
        if "error" in result:
            return _shown(result["error"]["code"], [fault["pointer"] for fault in result["error"]["errors"]])
    return {}


def _shown(code: str, pointers: list[str]) -> dict[str, Any]:
    return {"code": code} | ({"pointer": pointers[0]} if pointers else {})
