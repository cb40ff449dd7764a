"""Newline-delimited JSON from a request, line by line: what is in memory is one line and one message of the network."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator

from app.errors import PayloadTooLarge


async def lines(chunks: AsyncIterable[bytes], max_bytes: int) -> AsyncIterator[tuple[int, bytes | PayloadTooLarge]]:
    """The lines that are not blank, numbered from 0 among all; for one beyond `max_bytes`, an error in its place."""
    number, kept, too_long = 0, bytearray(), False
    async for chunk in chunks:
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            kept += part
            if line := _line(kept, too_long or len(kept) > max_bytes, max_bytes):
                yield number, line
            number, too_long = number + 1, False
            kept.clear()
        kept += rest
        if len(kept) > max_bytes:
            too_long = True
            kept.clear()
    if line := _line(kept, too_long, max_bytes):
        yield number, line


def _line(line: bytearray, too_long: bool, max_bytes: int) -> bytes | PayloadTooLarge:
    if too_long:
        return PayloadTooLarge(f"the line is longer than {max_bytes:,} bytes")
    return bytes(line.strip())
