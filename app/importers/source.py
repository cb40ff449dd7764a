"""What an importer hands over: a history as chunks of runs, each with where to go on after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from app.importers.body import LeftOut, body_of
from app.importers.record import Record
from app.importers.rules import Plan
from app.importers.spaces.translation import Translation

Cursor: TypeAlias = str | int | None
"""Where a source is to be read from; None is its beginning. Only the source knows what it means."""

CHUNK: Final = 1_000
"""Runs that are read, sent and acknowledged together: what the service stores in one transaction."""


class CannotImport(RuntimeError):
    """The history cannot be read, or the service does not take it; the message is for whoever imports."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some runs of a source, ready for the wire, and why others beside them were left out."""

    bodies: list[dict[str, Any]]
    left_out: Counter[str]
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table and what becomes of it, for people to check."""

    name: str
    becomes: str
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A foreign history. `identity` is the same whenever the same history is opened."""

    title: str
    identity: str
    total: int | None
    read: Callable[[Cursor], Iterator[Chunk]]
    columns: tuple[Column, ...] = ()
    notes: tuple[str, ...] = ()
    search_space: Callable[[], Translation] | None = None
    """The space that the history was searched in, where the source knows it."""


def chunk_of(records: Iterable[Record], plan: Plan, cursor: Cursor) -> Chunk:
    """The runs that these records make, and the tally of those that make none."""
    bodies: list[dict[str, Any]] = []
    left_out: Counter[str] = Counter()
    for record in records:
        body = body_of(record, plan)
        if isinstance(body, LeftOut):
            left_out[body.reason] += 1
        else:
            bodies.append(body)
    return Chunk(bodies, left_out, cursor)
