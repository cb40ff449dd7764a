"""What is stored together for speed, but must not fail together."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from app.errors import Unavailable

log = logging.getLogger("forerun.ingest")

Item = TypeVar("Item")
Result = TypeVar("Result")


async def in_halves(
    items: Sequence[Item],
    store: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
    refused: Callable[[Item], Result],
) -> list[Result]:
    """What became of each, in order. `store` stores several in one transaction, or none of them.

    Should PostgreSQL refuse the lot for the sake of one, its halves are tried alone, and theirs: one never harms
    another. Raises: Unavailable.
    """
    try:
        return [*await store(items)]
    except Unavailable:
        raise
    except Exception:
        log.exception("%d could not be stored together", len(items))
    if len(items) == 1:
        return [refused(items[0])]
    middle = len(items) // 2
    return [*await in_halves(items[:middle], store, refused), *await in_halves(items[middle:], store, refused)]
