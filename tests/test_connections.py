"""What a connection sends, and in how many pieces."""

from __future__ import annotations

import asyncio

from app.connections import Joining


class Wire(asyncio.Transport):
    """Remembers what it was told to do."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[bytes | str] = []

    def write(self, data: bytes) -> None:  # type: ignore[override]  # nothing else is written here
        self.done.append(data)

    def close(self) -> None:
        self.done.append("closed")


async def test_what_is_written_in_one_turn_is_sent_together_and_in_order() -> None:
    wire = Wire()
    joining = Joining(wire, asyncio.get_running_loop())
    joining.write(b"head ")
    joining.write(b"body")
    assert wire.done == []
    await asyncio.sleep(0)
    joining.write(b"more")
    await asyncio.sleep(0)
    assert wire.done == [b"head body", b"more"]


async def test_closing_sends_what_was_written_before() -> None:
    wire = Wire()
    joining = Joining(wire, asyncio.get_running_loop())
    joining.write(b"last words")
    joining.close()
    await asyncio.sleep(0)
    assert wire.done == [b"last words", "closed"]
