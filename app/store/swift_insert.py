"""A few runs of familiar datasets in one statement, which is their transaction: one round trip, and no staging.

It leaves alone whatever needs a second look: runs that are stored already or come twice, follow a recommendation, or
tell something new of their dataset.
"""

from __future__ import annotations

from binascii import hexlify
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from app.store import documents
from app.store.arrivals import DOCUMENTS, Arrival
from app.store.homes import Home, Homes

Driver: TypeAlias = "psycopg.AsyncConnection[Any]"

_TYPES: Final = {
    "dataset_id": "bigint",
    "version": "xid",
    "run_id": "text",
    "state": "text",
    **dict.fromkeys(DOCUMENTS, "jsonb"),
    "started_at": "timestamptz",
    "finished_at": "timestamptz",
    "digest": "bytea",
}
_COLUMNS: Final = ", ".join(name for name in _TYPES if name != "version")
_FIELDS: Final = ", ".join(
    f"given -> {i} AS {name}" if kind == "jsonb" else f"CAST(given ->> {i} AS {kind}) AS {name}"
    for i, (name, kind) in enumerate(_TYPES.items())
)
# In the order of their keys, as everybody stores runs, so that none waits for one that waits for it.
_INSERT: Final = f"""
    INSERT INTO runs (project_id, {_COLUMNS})
    SELECT datasets.project_id, {_COLUMNS} FROM (
        SELECT position, {_FIELDS}
        FROM jsonb_array_elements(CAST(%s AS jsonb)) WITH ORDINALITY AS rows(given, position)
    ) AS given JOIN datasets ON datasets.id = dataset_id AND datasets.xmin = version
    ORDER BY position
    ON CONFLICT (project_id, run_id) DO NOTHING RETURNING project_id, run_id, id
"""  # noqa: S608  # put together from constants


async def insert(driver: Driver, arrivals: Sequence[Arrival], homes: Homes) -> list[tuple[int, UUID] | None]:
    """For each run its project's id and its own; None where it was left alone. `driver` commits by itself."""
    found = _homes(arrivals, homes)
    taken = sorted([(row.key, index) for index, row in enumerate(arrivals) if found[index] is not None])
    rows = [_row(arrivals[index], home) for _, index in taken if (home := found[index]) is not None]
    if not rows:
        return [None] * len(arrivals)
    given = b"[%b]" % b",".join(rows)
    cursor = await driver.execute(_INSERT, [Jsonb(given, dumps=bytes)], binary=True)
    stored = {(project_id, run_id): id_ for project_id, run_id, id_ in await cursor.fetchall()}
    return [_place(row, home, stored) for row, home in zip(arrivals, found, strict=True)]


def _homes(arrivals: Sequence[Arrival], homes: Homes) -> list[Home | None]:
    """None for runs that are left alone: with each of them all of its dataset and of its key, so that order is kept."""
    found = [homes.get((row.project, row.dataset), row.meta_features) for row in arrivals]
    unfamiliar = {(row.project, row.dataset) for row, home in zip(arrivals, found, strict=True) if home is None}
    times = Counter([row.key for row in arrivals])
    if not unfamiliar and len(times) == len(arrivals) and not any(row.recommendation_id for row in arrivals):
        return found
    return [
        home
        if times[row.key] == 1 and row.recommendation_id is None and (row.project, row.dataset) not in unfamiliar
        else None
        for row, home in zip(arrivals, found, strict=True)
    ]


def _place(row: Arrival, home: Home | None, stored: Mapping[tuple[int, str], UUID]) -> tuple[int, UUID] | None:
    id_ = stored.get((home.project_id, row.run_id)) if home is not None else None
    return (home.project_id, id_) if home is not None and id_ is not None else None


def _row(row: Arrival, home: Home) -> bytes:
    times = b"null,null" if row.started_at is row.finished_at is None else _times(row)
    return b'[%d,"%d",%b,"%b",%b,%b,"\\\\x%b"]' % (
        home.dataset_id, home.version, documents.dump(row.run_id), row.state.encode(), b",".join(row.documents),
        times, hexlify(row.digest),
    )  # fmt: skip


def _times(row: Arrival) -> bytes:
    return b",".join([_time(row.started_at), _time(row.finished_at)])


def _time(time: datetime | None) -> bytes:
    return b'"%b"' % time.isoformat().encode() if time else b"null"
