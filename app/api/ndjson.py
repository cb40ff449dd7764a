"""Newline-delimited JSON from a request: what is in memory is one line and one message of the network."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from typing import TypeAlias

from app.errors import PayloadTooLarge

Numbered: TypeAlias = tuple[int, bytes | PayloadTooLarge]
"""A line that is not blank with its number from 0 among all; for one that is too long, an error in its place."""


async def lines(chunks: AsyncIterable[bytes], max_bytes: int) -> AsyncIterator[list[Numbered]]:
    """The lines as they come: those that end in one message together."""
    number, kept = 0, bytearray()  # of a line that is too long, what shows that it is
    async for chunk in chunks:
        first, *more = chunk.split(b"\n")
        kept += first
        del kept[max_bytes + 1 :]
        if more:
            yield _numbered([bytes(kept), *more[:-1]], number, max_bytes)
            number += len(more)
            kept[:] = more[-1][: max_bytes + 1]
    yield _numbered([bytes(kept)], number, max_bytes)


def _numbered(ended: Sequence[bytes], number: int, max_bytes: int) -> list[Numbered]:
    too_long = PayloadTooLarge(f"the line is longer than {max_bytes:,} bytes")
    stripped = enumerate(map(bytes.strip, ended), number)
    return [(i, too_long if len(ended[i - number]) > max_bytes else line) for i, line in stripped if line]
