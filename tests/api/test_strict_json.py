"""One reader for every body: it takes what JSON means once, and says of all else what is wrong and where."""

from __future__ import annotations

import json
import math
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Body, FastAPI
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.api import problems, strict_json
from app.api.strict_json import Limits, StrictRoute, loads
from app.config import Settings
from app.errors import ForerunError, InvalidRequest, MalformedJson
from app.types import composed

SAFE_INTEGERS = st.integers(-(2**53), 2**53)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | SAFE_INTEGERS
    | FLOATS
    | TEXTS
    | st.sampled_from(["a:b", '":', "[{", "12345678901234567"]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS.map(composed), inner, max_size=5),
    max_leaves=30,
)


@given(DOCUMENTS, st.booleans(), st.sampled_from([None, 1]))
def test_reads_what_was_written(document: Any, ensure_ascii: bool, indent: int | None) -> None:
    assert loads(json.dumps(document, ensure_ascii=ensure_ascii, indent=indent).encode()) == document


SNIPPETS = st.sampled_from(
    [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        '"a"',
        '"b"',
        '"a":1',
        '"a:"',
        '"\u00e9":1',
        '"e\u0301":1',
        '"e\\u0301":1',
        '"\\u003a"',
        '"\\u0000"',
        '"\\ud800"',
        "1",
        "1.0",
        "-0",
        "NaN",
        "Infinity",
        "1e999",
        "9007199254740993",
        "9007199254740992",
        "1" * 70,
        "0." + "1" * 70,
        "true",
        "null",
        " ",
        '"\\',
        '"',
        "\x00",
        "é",
        "\ufeff",
        "{}",
        "[]",
        '"0000000000000000000000"',
        "1e-00000000000000000000001",
    ]
)


@settings(max_examples=500)
@given(st.lists(SNIPPETS, max_size=12).map("".join) | st.text(max_size=20))
@example('{"a":":","a":":"}')
@example('{"a":"\\u003a","a":1}')
@example('{"a":{"b":1},"a":{"b":1}}')
@example("[" * 32 + "]" * 32)
@example("[" * 33 + "]" * 33)
@example("[-9007199254740993]")
@example(" 9007199254740993")
def test_the_swift_reader_takes_nothing_that_the_careful_one_refuses(text: str) -> None:
    body = text.encode()
    swift = strict_json._swiftly(body, Limits())
    if swift is not strict_json._DOUBT:
        careful = strict_json._carefully(body, Limits())
        assert json.dumps(swift) == json.dumps(careful)


def test_an_ordinary_run_is_read_swiftly() -> None:
    run = {
        "dataset": "a",
        "state": "failed",
        "started_at": "2026-03-02T09:14:07Z",
        "hyperparameters": {"lr": 0.1 + 0.2},
    }
    assert strict_json._swiftly(json.dumps(run).encode(), Limits()) == run


@pytest.mark.parametrize("body", ['{"e\u0301": {"e\u0301": "e\u0301"}}', '{"e\\u0301": {"e\\u0301": "e\\u0301"}}'])
def test_names_are_read_composed_and_values_as_they_are(body: str) -> None:
    """A name that was typed on one keyboard and pasted from another is one name."""
    assert loads(body.encode()) == {"\u00e9": {"\u00e9": "e\u0301"}}


REFUSED: list[tuple[bytes, type[ForerunError], str | None]] = [
    (b"", MalformedJson, None),
    (b" \n", MalformedJson, None),
    (b"{", MalformedJson, None),
    (b"[1,]", MalformedJson, None),
    (b"[01]", MalformedJson, None),
    (b"{} x", MalformedJson, None),
    (b"{/*c*/}", MalformedJson, None),
    (b"{'a': 1}", MalformedJson, None),
    (b'["\t"]', MalformedJson, None),
    (b"\xef\xbb\xbf{}", MalformedJson, None),
    ('{"a": 1}'.encode("utf-16"), MalformedJson, None),
    (b'["\xff\xfe"]', MalformedJson, None),
    (b'["\xc3', MalformedJson, None),
    (b'["\xed\xa0\x80"]', MalformedJson, None),
    (b'{"y": NaN}', MalformedJson, "/y"),
    (b'{"y": [Infinity]}', MalformedJson, "/y/0"),
    (b'{"y": -Infinity}', MalformedJson, "/y"),
    (b'{"n": 1, "n": 2}', MalformedJson, ""),
    (b'{"a": [{"n": 1, "n": 1}]}', MalformedJson, "/a/0"),
    (b'{"y": 1e999}', InvalidRequest, "/y"),
    (b'{"y": -1e999}', InvalidRequest, "/y"),
    (b'{"y": 9007199254740993}', InvalidRequest, "/y"),
    (b'{"y": -9223372036854775808}', InvalidRequest, "/y"),
    (b'{"y": ' + b"9" * 400 + b"}", InvalidRequest, "/y"),
    (b'{"y": ' + b"9" * 5_000 + b"}", InvalidRequest, "/y"),
    (b'{"y": 0.' + b"1" * 5_000 + b"}", InvalidRequest, "/y"),
    (b'{"a/b": ["\\u0000"]}', InvalidRequest, "/a~1b/0"),
    (b'{"a": {"\\u0000": 1}}', InvalidRequest, "/a"),
    (b'{"a": "\\ud800"}', InvalidRequest, "/a"),
    (b'{"a": "\\udfff"}', InvalidRequest, "/a"),
    (b'{"\\ud800": 1}', InvalidRequest, ""),
    ('{"a": {"\u00e9": 1, "e\u0301": 2}}'.encode(), InvalidRequest, "/a"),
    (b"[" * 33 + b"]" * 33, InvalidRequest, ""),
    (b'{"a":' * 33 + b"1" + b"}" * 33, InvalidRequest, ""),
    (b"[" + b"0," * 1_000_000 + b"0]", InvalidRequest, ""),
]


@pytest.mark.parametrize(("body", "error", "where"), REFUSED, ids=[repr(body[:24]) for body, _, _ in REFUSED])
def test_refuses(body: bytes, error: type[ForerunError], where: str | None) -> None:
    with pytest.raises(error) as caught:
        loads(body)
    assert type(caught.value) is error
    assert [fault.pointer for fault in caught.value.faults][:1] == ([] if where is None else [where])


def test_takes_the_bounds_themselves() -> None:
    assert loads(b"[9007199254740992, -9007199254740992, 1e300, 5e-324, -0.0]") == [2**53, -(2**53), 1e300, 5e-324, 0]
    assert loads(b"[" * 32 + b"]" * 32) is not None
    assert math.copysign(1, float(str(loads(b"-0.0")))) == -1
    assert loads(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


def test_names_every_fault_in_the_order_of_the_document() -> None:
    body = b'{"a": [1, "\\u0000", {"c": 1e999}], "b": 12345678901234567890, "d": "\\udc00"}'
    with pytest.raises(InvalidRequest) as caught:
        loads(body)
    assert [fault.pointer for fault in caught.value.faults] == ["/a/1", "/a/2/c", "/b", "/d"]


def test_says_where_it_stopped_reading() -> None:
    with pytest.raises(MalformedJson, match=r"line 2, column 8 \(byte 9\)"):
        loads('{\n"\u00e9": 1x}'.encode())


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 100_000, b'"' + b'\\"' * 400_000, b'["' + b"\\u0000" * 150_000, b'["' * 300_000]
)
def test_a_hostile_body_costs_little(body: bytes) -> None:
    started = time.process_time()
    with pytest.raises(ForerunError):
        loads(body)
    assert time.process_time() - started < 1


# ---------------------------------------------------------------- as a route


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.settings = Settings(max_body_bytes=1024)
    router = APIRouter(route_class=StrictRoute)

    @router.post("/echo")
    async def echo(document: Annotated[Any, Body()]) -> Any:
        return {"read": document}

    @router.get("/plain")
    async def plain() -> str:
        return "no body"

    app.include_router(router)
    problems.install(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        yield client


async def post(
    client: httpx.AsyncClient, content: Any, media_type: str | None = "application/json", **headers: str
) -> int:
    given = headers if media_type is None else {"content-type": media_type, **headers}
    answer = await client.post("/echo", content=content, headers=given)
    if answer.is_error:
        assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/vnd.forerun+json",
    ],
)
async def test_takes_json_in_utf8(client: httpx.AsyncClient, media_type: str) -> None:
    assert await post(client, b'{"a": 1}', media_type) == 200


@pytest.mark.parametrize(
    "media_type",
    [
        None,
        "text/plain",
        "application/json; charset=utf-16",
        "application/jsonp",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/json",
        "application/json, text/plain",
        "json",
        "",
        "application/json; q=1",
    ],
)
async def test_refuses_other_media_types(client: httpx.AsyncClient, media_type: str | None) -> None:
    assert await post(client, b'{"a": 1}', media_type) == 415


async def test_refuses_two_content_types_and_compression(client: httpx.AsyncClient) -> None:
    twice = [("content-type", "application/json"), ("content-type", "text/plain")]
    assert (await client.post("/echo", content=b"{}", headers=twice)).status_code == 415
    assert await post(client, b"\x1f\x8b", **{"content-encoding": "gzip"}) == 415
    assert await post(client, b"{}", **{"content-encoding": "identity"}) == 200


async def test_a_bad_body_is_a_problem(client: httpx.AsyncClient) -> None:
    assert await post(client, b"{") == 400
    assert await post(client, b"") == 400
    assert await post(client, b'{"a": 1e999}') == 422
    assert (await client.get("/plain")).json() == "no body"


@pytest.mark.parametrize("announced", [True, False])
async def test_reads_no_more_than_the_limit(client: httpx.AsyncClient, announced: bool) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            sent += 512
            yield b" " * 512

    headers = {"content-length": "512000"} if announced else {}
    assert await post(client, endless(), **headers) == 413
    assert sent <= 1024 + 2 * 512


async def test_the_limit_itself_is_allowed(client: httpx.AsyncClient) -> None:
    assert await post(client, b" " * 1022 + b"{}") == 200
    assert await post(client, b" " * 1023 + b"{}") == 413
