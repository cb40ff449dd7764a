"""Runs on their way in: each stored once under its run_id, in bulk, in one transaction with all that belongs to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID, uuid4

import orjson
import psycopg
from sqlalchemy import text

from app.errors import Fault, ForerunError, InvalidRequest, RunConflict, Unavailable
from app.store import datasets, documents, projects
from app.store.database import AsyncConnection
from app.types import INPUT_KINDS, Run

Key: TypeAlias = tuple[str, str]
"""The project's name and the run_id: what makes a run the same run."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one run: `id` names the stored run, `error` says why this one was not taken."""

    index: int
    status: Literal["created", "duplicate", "conflict", "rejected"]
    run_id: str | None
    id: UUID | None = None
    error: ForerunError | None = None
    project_id: int | None = None


async def upsert(connection: AsyncConnection, runs: Sequence[Run]) -> list[Outcome]:
    """Store the runs that are new, with their projects, datasets and meta-features; one outcome for each, in order.

    Any number of callers may send the same runs at once: locks are taken on projects, then datasets, then runs, each in
    the order of their keys, so none waits for one that waits for it.
    """
    incoming = [_incoming(index, run) for index, run in enumerate(runs)]
    seen = list(zip(incoming, await _look_up(connection, incoming), strict=True))
    rejected = {row.index for row, place in seen if _follows_nothing(row, place)}
    stored = {row.key: place for row, place in seen if place.id}
    fresh = _first_of_each(row for row in incoming if row.index not in rejected and row.key not in stored)
    project_ids = {row.run.project: place.project_id for row, place in seen if place.project_id is not None}
    created = await _store(connection, fresh, project_ids) if fresh else {}
    if lost := [row for row in fresh if row.key not in created]:  # another caller stored them since we looked
        stored |= {row.key: place for row, place in zip(lost, await _look_up(connection, lost), strict=True)}
    stored |= created
    new = {row.index for row in fresh if row.key in created}
    return [_rejected(row) if row.index in rejected else _outcome(row, stored[row.key], new) for row in incoming]


# ---------------------------------------------------------------- one run, ready to be stored


@dataclass(frozen=True, slots=True)
class _Incoming:
    index: int
    run: Run
    run_id: str
    documents: tuple[str, ...]  # one for each of _DOCUMENTS
    digest: bytes

    @property
    def key(self) -> Key:
        return self.run.project, self.run_id


_DOCUMENTS: Final = (*INPUT_KINDS, "metrics", "resources", "tags", "learning_curve")


def _incoming(index: int, run: Run) -> _Incoming:
    curve = [{"step": point.step, "metrics": point.metrics} for point in run.learning_curve]
    values = [*(getattr(run, name) for name in _DOCUMENTS[:-1]), curve]
    texts = tuple(documents.dumps(value) for value in values)
    return _Incoming(index, run, run.run_id or str(uuid4()), texts, _digest(run, texts))


def _digest(run: Run, texts: Sequence[str]) -> bytes:
    """Equal for equal bodies: names in any order, defaults given or left out, 1 or 1.0, a time in any zone."""
    n_inputs = len(INPUT_KINDS)
    inputs = map(documents.canonical, texts[:n_inputs])  # all else has a type: 1 has been read as 1.0
    rest = (run.dataset.name, run.dataset.meta_features, run.state, run.recommendation_id, *_times(run))
    return sha256("\n".join([*inputs, *texts[n_inputs:], documents.dumps(rest)]).encode()).digest()


def _times(run: Run) -> tuple[datetime | None, datetime | None]:
    return run.started_at, run.finished_at


def _first_of_each(rows: Iterable[_Incoming]) -> list[_Incoming]:
    """Of the runs of one key, the first; sorted by key."""
    first: dict[Key, _Incoming] = {}
    for row in rows:
        first.setdefault(row.key, row)
    return [first[key] for key in sorted(first)]


# ---------------------------------------------------------------- what is there already


@dataclass(frozen=True, slots=True)
class _Place:
    """What the store knows of an incoming run: the run under its key, and the recommendation that it names."""

    id: UUID | None
    digest: bytes | None
    project_id: int | None
    recommendation_id: UUID | None = None


_LOOK_UP: Final = text("""
    SELECT runs.id, runs.digest, projects.id AS project_id, recommendations.id AS recommendation_id
    FROM ROWS FROM (
        jsonb_to_recordset(CAST(:given AS jsonb)) AS (project text, run_id text, recommendation_id uuid)
    ) WITH ORDINALITY AS given(project, run_id, recommendation_id, position)
    LEFT JOIN projects ON projects.name = given.project
    LEFT JOIN runs ON runs.project_id = projects.id AND runs.run_id = given.run_id
    LEFT JOIN recommendations
        ON recommendations.id = given.recommendation_id AND recommendations.project_id = projects.id
    ORDER BY position
""")


async def _look_up(connection: AsyncConnection, rows: Sequence[_Incoming]) -> list[_Place]:
    given = [
        {"project": row.run.project, "run_id": row.run_id, "recommendation_id": row.run.recommendation_id}
        for row in rows
    ]
    found = await connection.execute(_LOOK_UP, {"given": documents.dumps(given)})
    return [_Place(*row) for row in found]


def _follows_nothing(row: _Incoming, place: _Place) -> bool:
    return row.run.recommendation_id is not None and place.recommendation_id is None and place.id is None


# ---------------------------------------------------------------- storing what is new

_TYPES: Final = {
    "project_id": "bigint",
    "run_id": "text",
    "dataset_id": "bigint",
    "state": "text",
    **dict.fromkeys(_DOCUMENTS, "jsonb"),
    "recommendation_id": "uuid",
    "started_at": "timestamptz",
    "finished_at": "timestamptz",
    "digest": "bytea",
}
_NAMES: Final = ", ".join(_TYPES)
_COLUMNS: Final = ", ".join(f"{name} {kind}" for name, kind in _TYPES.items())
_INSERT: Final = f"""
    INSERT INTO runs ({_NAMES}) SELECT {_NAMES} FROM {{source}} ORDER BY project_id, run_id
    ON CONFLICT (project_id, run_id) DO NOTHING RETURNING project_id, run_id, id
"""  # noqa: S608  # put together from constants
_INSERT_FEW: Final = _INSERT.format(source=f"jsonb_to_recordset(CAST(%s AS jsonb)) AS incoming_runs ({_COLUMNS})")
_STAGE: Final = f"CREATE TEMP TABLE IF NOT EXISTS incoming_runs ({_COLUMNS}) ON COMMIT DELETE ROWS"
_COPY: Final = f"COPY incoming_runs ({_NAMES}) FROM STDIN"
_INSERT_MANY: Final = _INSERT.format(source="incoming_runs")

_MANY: Final = 500
"""From here on a temporary table (6 ms a transaction) costs less than PostgreSQL taking one long document apart."""


async def _store(
    connection: AsyncConnection, rows: Sequence[_Incoming], project_ids: Mapping[str, int]
) -> dict[Key, _Place]:
    """Insert the runs that nobody else has stored meanwhile, in the order given; answers those."""
    if missing := {row.run.project for row in rows} - project_ids.keys():
        project_ids = {**project_ids, **await projects.ensure(connection, missing)}
    dataset_ids = await datasets.merge(connection, _meta_features(rows, project_ids))
    ids = await _insert(connection, [_values(row, project_ids, dataset_ids) for row in rows])
    places = {row.key: (ids.get((project_ids[row.run.project], row.run_id)), row) for row in rows}
    return {key: _Place(id_, row.digest, project_ids[key[0]]) for key, (id_, row) in places.items() if id_}


def _meta_features(rows: Sequence[_Incoming], project_ids: Mapping[str, int]) -> dict[datasets.Key, dict[str, float]]:
    """What the runs tell about each of their datasets; of two values for one meta-feature, the one posted last."""
    features: dict[datasets.Key, dict[str, float]] = {}
    for row in sorted(rows, key=lambda row: row.index):
        features.setdefault(_dataset_key(row, project_ids), {}).update(row.run.dataset.meta_features)
    return features


def _dataset_key(row: _Incoming, project_ids: Mapping[str, int]) -> datasets.Key:
    return project_ids[row.run.project], row.run.dataset.name


def _values(row: _Incoming, project_ids: Mapping[str, int], dataset_ids: Mapping[datasets.Key, int]) -> tuple[Any, ...]:
    """In the order of `_TYPES`."""
    run, key = row.run, _dataset_key(row, project_ids)
    start = (key[0], row.run_id, dataset_ids[key], run.state)
    return (*start, *row.documents, run.recommendation_id, *_times(run), row.digest)


async def _insert(connection: AsyncConnection, rows: Sequence[tuple[Any, ...]]) -> dict[tuple[int, str], UUID]:
    """The ids of those that were inserted, by project and run_id."""
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, psycopg.AsyncConnection)
    async with driver.cursor() as cursor:
        await (_insert_few(cursor, rows) if len(rows) < _MANY else _insert_many(cursor, rows))
        return {(project_id, run_id): id_ for project_id, run_id, id_ in await cursor.fetchall()}


async def _insert_few(cursor: psycopg.AsyncCursor[Any], rows: Sequence[tuple[Any, ...]]) -> None:
    await cursor.execute(_INSERT_FEW, [orjson.dumps([_as_object(row) for row in rows]).decode()])


def _as_object(row: tuple[Any, ...]) -> dict[str, Any]:
    values = dict(zip(_TYPES, row, strict=True))
    ready = {name: orjson.Fragment(values[name]) for name in _DOCUMENTS}
    return {**values, **ready, "digest": rf"\x{values['digest'].hex()}"}


async def _insert_many(cursor: psycopg.AsyncCursor[Any], rows: Sequence[tuple[Any, ...]]) -> None:
    await cursor.execute(_STAGE)
    async with cursor.copy(_COPY) as copy:
        for row in rows:
            await copy.write_row(row)
    await cursor.execute(_INSERT_MANY)


# ---------------------------------------------------------------- the outcome


def _outcome(row: _Incoming, place: _Place, new: set[int]) -> Outcome:
    if row.index in new:
        return Outcome(row.index, "created", row.run_id, place.id, project_id=place.project_id)
    if place.id is None:
        error = Unavailable("a run of this run_id was deleted at the same moment; send it again", retry_after_seconds=1)
        return Outcome(row.index, "rejected", row.run_id, error=error)
    if row.digest == place.digest:
        return Outcome(row.index, "duplicate", row.run_id, place.id)
    message = "another run is stored under this run_id; PATCH finishes a running run, and a new run needs a new run_id"
    return Outcome(row.index, "conflict", row.run_id, place.id, RunConflict(message, [Fault("/run_id", message)]))


def _rejected(row: _Incoming) -> Outcome:
    error = InvalidRequest.at("/recommendation_id", "the project has no such recommendation")
    return Outcome(row.index, "rejected", row.run_id, error=error)
