"""The one reader of request bodies: JSON that means one thing, or a refusal that says where it is wrong.

Names of objects are read in Unicode's composed form, so that an accent that was typed in another way is no other name.
Two readers give the same answer (a property test holds them to it). `_swiftly` takes a document that is beyond doubt
good and costs about 15 µs for a run of 1.6 KB; whatever it hesitates at goes to `_carefully`, which knows why.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Any, Final, NoReturn

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import JsonValue
from starlette.requests import ClientDisconnect

from app.api.digits import long_runs
from app.errors import Fault, InvalidRequest, MalformedJson, PayloadTooLarge, UnsupportedMediaType, pointer
from app.types import composed

MAX_FAULTS: Final = 20
MAX_INTEGER: Final = 2**53
MAX_NUMBER_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a document may be, whatever it says."""

    depth: int = 32
    values: int = 1_000_000
    names: int = 4_096
    """In one object: each may be a fault of its own, and telling a hundred thousand of them takes a second."""


def loads(body: bytes, limits: Limits = Limits()) -> JsonValue:
    """Reads one JSON document.

    Raises: MalformedJson where it is not JSON or not one meaning (a repeated key); InvalidRequest where it is JSON with
    a value that is not taken: a number beyond range, a NUL character, half of a surrogate pair, too deep, too many.
    """
    value = _swiftly(body, limits)
    return _carefully(body, limits) if value is _DOUBT else value


# ---------------------------------------------------------------- the swift reader

_DOUBT: Final[Any] = object()
_TOO_LONG: Final = re.compile(rb"[-+.0-9eE]{%d}" % (MAX_NUMBER_LENGTH + 1))
"""At most 4 of them are no digits, and part the others in at most 3 runs: one of 21 or more."""


def _swiftly(body: bytes, limits: Limits) -> Any:
    """The document, or `_DOUBT`. orjson itself refuses what is no JSON, lone surrogates and infinite numbers."""
    if may_hide_something(body) or values_at_most(body) > limits.values:
        return _DOUBT
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _DOUBT
    return value if body.count(b":") == count_colons(value, limits) else _DOUBT


def may_hide_something(body: bytes) -> bool:
    r"""Whether there may be a number that is too large or too long, a NUL (\u0000) or a colon in disguise (\u003a)."""
    found = long_runs(body)
    if found.whole or _holds_too_long(body, found.endless):
        return True
    return b"\\" in body and b"\\u00" in body


def _holds_too_long(body: bytes, endless: Sequence[int]) -> bool:
    """To look at all of the body takes longer than to read it; where there are but a few places, look around those."""
    if len(endless) > _PLACES:
        return _TOO_LONG.search(body) is not None
    return any(_TOO_LONG.search(body, max(0, i - MAX_NUMBER_LENGTH), i + MAX_NUMBER_LENGTH + 1) for i in endless)


_PLACES: Final = 100


def count_colons(document: Any, limits: Limits) -> int:
    """How many colons a text holds that reads as `document`, if no name is repeated.

    -1 when it is beyond the limits, or a name is not in its composed form. A repeated name leaves one value and two
    colons. Colons inside strings are counted as they are: without escapes.
    """
    colons, level = 0, list[Any]([[document]])
    for _ in range(limits.depth + 1):
        below: list[Any] = []
        for container in level:
            if isinstance(container, dict) and len(container) > limits.names:
                return -1
            if (found := _colons_of(container, below)) < 0:
                return -1
            colons += found
        if not below:
            return colons
        level = below
    return -1


def _colons_of(container: Any, below: list[Any]) -> int:
    """The colons of one object or list, -1 if a name may not be composed; what it contains is added to `below`."""
    colons, children = 0, container
    if type(container) is dict:
        names = "".join(container)
        if not names.isascii() and composed(names) != names:
            return -1
        colons, children = len(container) + names.count(":"), container.values()
    for child in children:
        kind = type(child)
        if kind is float or kind is int:
            continue
        if kind is str:
            if ":" in child:
                colons += child.count(":")
        elif kind is dict or kind is list:
            below.append(child)
    return colons


def values_at_most(body: bytes) -> int:
    """Each value but the first follows a comma or opens its container."""
    return body.count(b",") + body.count(b"[") + body.count(b"{") + 1


# ---------------------------------------------------------------- the careful reader


@dataclass(frozen=True, slots=True)
class _Flaw:
    """Stands in the tree where a value was read that is not taken."""

    message: str
    malformed: bool = False


_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)  # also one that never ends: linear on any input
_BRACKETS: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NOT_BRACKETS: Final = bytes(sorted(set(range(256)) - set(_BRACKETS)))
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")


def _carefully(body: bytes, limits: Limits) -> JsonValue:
    text = _text(body)
    _check_size(body, limits)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        _malformed(error.msg, body, len(text[: error.pos].encode()))
    if flaws := list(islice(_flaws(value, limits), MAX_FAULTS)):  # there may be a million
        _refuse(flaws)
    return value  # type: ignore[no-any-return]  # the flaws, which alone are no JSON, were refused


def _text(body: bytes) -> str:
    if body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        _malformed("the body starts with a byte order mark; send plain UTF-8", body, 0)
    if not body.strip(b" \t\r\n"):
        raise MalformedJson("the body is empty; a JSON document is expected")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        _malformed("the body is not valid UTF-8", body, error.start)


def _check_size(body: bytes, limits: Limits) -> None:
    """Before any parsing, so that neither the stack nor the memory can be made to run out."""
    structure = _STRING.sub(b"", body)
    steps = map(_BRACKETS.__getitem__, structure.translate(None, _NOT_BRACKETS))
    if max(accumulate(steps), default=0) > limits.depth:
        raise InvalidRequest.at("", f"the document is nested deeper than {limits.depth} levels")
    if (seen := values_at_most(structure)) > limits.values:
        raise InvalidRequest.at("", f"the document holds {seen:,} values; at most {limits.values:,} are taken")


def _malformed(message: str, body: bytes, offset: int) -> NoReturn:
    line_ends = list(_LINE_END.finditer(body, 0, offset))
    column = offset - (line_ends[-1].end() if line_ends else 0) + 1
    where = f"line {len(line_ends) + 1}, column {column} (byte {offset})"
    raise MalformedJson(f"{message[0].lower()}{message[1:]}: {where}")


def _refuse(flaws: list[tuple[str, _Flaw]]) -> NoReturn:
    faults = [Fault(where, flaw.message) for where, flaw in flaws]
    if any(flaw.malformed for _, flaw in flaws):
        raise MalformedJson(faults[0].message, faults)
    raise InvalidRequest(faults[0].message, faults)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Flaw:
    members = {composed(name): value for name, value in pairs}
    if len(members) == len(pairs):
        return members
    if len({name for name, _ in pairs}) == len(pairs):
        return _Flaw("two names in this object differ only in how Unicode spells them")
    return _Flaw("a name stands twice in this object", malformed=True)


def _integer(literal: str) -> int | _Flaw:
    if len(literal) > MAX_NUMBER_LENGTH:
        return _too_long()
    value = int(literal)
    return value if abs(value) <= MAX_INTEGER else _Flaw("an integer must lie within ±2^53; send a string or a float")


def _float(literal: str) -> float | _Flaw:
    if len(literal) > MAX_NUMBER_LENGTH:
        return _too_long()
    value = float(literal)
    return value if math.isfinite(value) else _Flaw("the number is out of range")


def _too_long() -> _Flaw:
    return _Flaw(f"a number has at most {MAX_NUMBER_LENGTH} characters")


def _constant(literal: str) -> _Flaw:
    return _Flaw(f"{literal} is not JSON; send null or leave the field out", malformed=True)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def _flaws(document: Any, limits: Limits) -> Iterator[tuple[str, _Flaw]]:
    """Everything in the tree that is not taken, with its pointer, in the order of the document."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), document)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, _Flaw):
            yield pointer(*path), node
        elif isinstance(node, str):
            yield from _flaws_of_string(path, node, "a string")
        elif isinstance(node, dict):
            if len(node) > limits.names:
                yield pointer(*path), _Flaw(f"the object holds {len(node):,} names; at most {limits.names:,} are taken")
                continue
            for name in node:
                yield from _flaws_of_string(path, name, "a name in this object")
            waiting.extend(((*path, name), child) for name, child in reversed(node.items()))
        elif isinstance(node, list):
            waiting.extend(((*path, i), node[i]) for i in range(len(node) - 1, -1, -1))


def _flaws_of_string(path: tuple[str | int, ...], text: str, what: str) -> Iterator[tuple[str, _Flaw]]:
    if "\x00" in text:
        yield pointer(*path), _Flaw(f"{what} holds a NUL character")
    if not text.isascii() and _LONE_SURROGATE.search(text):
        yield pointer(*path), _Flaw(f"{what} holds half of a surrogate pair")


_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


# ---------------------------------------------------------------- from the request


class StrictRequest(Request):
    """A request whose JSON body was read by this module: FastAPI finds it read already."""

    async def read_json(self, max_bytes: int, limits: Limits) -> None:
        check_media_type(self, "application/json")
        self._body = await read(self, max_bytes)
        self._json = loads(self._body, limits)


class StrictRoute(APIRoute):
    """A route that takes its body, if it has one, only as strict JSON of at most `Settings.max_body_bytes`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        if self.body_field is None:
            return handler

        async def strict(request: Request) -> Response:
            strictly = StrictRequest(request.scope, request.receive)
            await strictly.read_json(request.app.state.settings.max_body_bytes, Limits())
            return await handler(strictly)

        return strict


def check_media_type(request: Request, *taken: str) -> str:
    """The body's media type, which must be one of `taken`; `application/x+json` counts as `application/json`.

    Raises: UnsupportedMediaType, also for a charset other than UTF-8 and for a compressed body.
    """
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.strip().lower() != "identity":
        raise UnsupportedMediaType("compressed bodies are not taken; send the body as it is")
    given = request.headers.getlist("content-type")
    if len(given) != 1:
        raise UnsupportedMediaType(f"one Content-Type is needed: {' or '.join(taken)}")
    media_type, _, parameters = given[0].partition(";")
    media_type = media_type.strip().lower()
    if media_type.startswith("application/") and media_type.endswith("+json"):
        media_type = "application/json"
    if media_type not in taken or not _CHARSET.fullmatch(parameters):
        raise UnsupportedMediaType(f"the body must be {' or '.join(taken)} in UTF-8")
    return media_type


_CHARSET: Final = re.compile(r"""\s*(charset\s*=\s*"?utf-?8"?\s*)?;?\s*""", re.IGNORECASE)


async def read(request: Request, max_bytes: int) -> bytes:
    """The whole body, of which no more is taken in than the limit and one message.

    Raises: PayloadTooLarge, before anything is read if the length is announced.
    """
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > max_bytes:
        raise _too_large(max_bytes)
    body, size = [], 0
    async for chunk in chunks(request):
        size += len(chunk)
        if size > max_bytes:
            raise _too_large(max_bytes)
        body.append(chunk)
    return b"".join(body)


async def chunks(request: Request) -> AsyncIterator[bytes]:
    """The body as it arrives. Raises: MalformedJson when the client leaves before its end."""
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect:
        raise MalformedJson("the connection was closed before the body was complete") from None


def _too_large(max_bytes: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"the body is larger than {max_bytes:,} bytes")
