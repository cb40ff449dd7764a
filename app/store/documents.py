"""JSON documents on their way into jsonb columns and back: what is read is what was written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson

MAX_INTEGER: Final = 2**53
_WHOLE: Final = re.compile(rb"\.0(?!\d)")
_SHAPE: Final = bytes.maketrans(b"123456789", b"0" * 9)
_LONG: Final = b"0" * 16
"""What 2^53 and more look like with every digit a 0; so does a fraction, which is passed over."""


def dump(value: Any) -> bytes:
    """Names sorted at every level, so that equal documents have equal texts."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def dump_each(values: Iterable[Any], empty: bytes) -> list[bytes]:
    """The same for each; `empty` for those of which there is nothing."""
    return [orjson.dumps(value, option=orjson.OPT_SORT_KEYS) if value else empty for value in values]


def dumps(value: Any) -> str:
    """The same as a string."""
    return dump(value).decode()


def loads(text: bytes | str) -> Any:
    """Reads what jsonb gives back: 1e17 was kept as a decimal and comes as 100000000000000000, an integer.

    No integer beyond 2^53 is ever taken in, so one that comes out was a float, and becomes one again.
    """
    value = orjson.loads(text)
    octets = text.encode() if isinstance(text, str) else text
    shape = octets.translate(_SHAPE)
    return _with_floats(value) if _LONG in shape and _LONG in shape.replace(b"." + _LONG, b".") else value


def _with_floats(value: Any) -> Any:
    match value:
        case dict():
            return {name: _with_floats(member) for name, member in value.items()}
        case list():
            return [_with_floats(item) for item in value]
        case int() if abs(value) > MAX_INTEGER:
            return float(value)
        case _:
            return value


def canonical(text: bytes) -> bytes:
    """The same for every text of one document that `dump` makes: 1 and 1.0 are one number in JSON."""
    return dump(_with_integers(orjson.loads(text))) if _WHOLE.search(text) else text


def canonical_each(texts: Sequence[bytes]) -> Sequence[bytes]:
    """The same for each."""
    return list(map(canonical, texts)) if _WHOLE.search(b"\n".join(texts)) else texts


def _with_integers(value: Any) -> Any:
    match value:
        case dict():
            return {name: _with_integers(member) for name, member in value.items()}
        case list():
            return [_with_integers(item) for item in value]
        case float() if value.is_integer() and abs(value) <= MAX_INTEGER:
            return int(value)
        case _:
            return value
