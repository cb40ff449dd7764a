"""Where the next page of a list begins, as an opaque text that only this service can have made."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final, NoReturn
from uuid import UUID

from app.errors import Fault, InvalidCursor

_MAX_LENGTH: Final = 64
_MAX_BIGINT: Final = 2**63 - 1


def after_uuid(last: UUID) -> str:
    return _text(b"u" + last.bytes)


def after_bigint(last: int) -> str:
    return _text(b"i" + last.to_bytes(8))


def read_uuid(cursor: str) -> UUID:
    """Raises: InvalidCursor."""
    return UUID(bytes=_key(cursor, b"u", 16))


def read_bigint(cursor: str) -> int:
    """Raises: InvalidCursor."""
    value = int.from_bytes(_key(cursor, b"i", 8))
    return value if value <= _MAX_BIGINT else _invalid()


def _text(key: bytes) -> str:
    return urlsafe_b64encode(key).decode().rstrip("=")


def _key(cursor: str, kind: bytes, size: int) -> bytes:
    if not cursor.isascii() or len(cursor) > _MAX_LENGTH:
        _invalid()
    try:
        key = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except binascii.Error:
        _invalid()
    if key[:1] != kind or len(key) != size + 1 or _text(key) != cursor:
        _invalid()
    return key[1:]


def _invalid() -> NoReturn:
    message = "the cursor is not one that this list gave out"
    raise InvalidCursor(message, [Fault("/query/cursor", message)])
