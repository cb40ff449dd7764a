"""Runs on their way in: each stored once under its run_id, in bulk, in one transaction with all that belongs to it.

What is new is copied straight into the table, which costs half of what a staging table does. Only when another
transaction stores one of the same runs in between is it staged, so that each can give way.
"""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, TypeAlias
from uuid import UUID

import psycopg
from psycopg.errors import UniqueViolation
from sqlalchemy.ext.asyncio import AsyncConnection

from app.errors import Fault, ForerunError, InvalidRequest, RunConflict, Unavailable
from app.store import datasets, documents, projects
from app.store.arrivals import DOCUMENTS, Arrival, arrival_of
from app.store.homes import Home, Homes
from app.store.swift_insert import Driver, insert
from app.types import Run

Key: TypeAlias = tuple[str, str]
"""The project's name and the run_id: what makes a run the same run. Of datasets: the project's name and its own."""


_Features: TypeAlias = Mapping[Key, Mapping[str, float]]
_Known: TypeAlias = "Mapping[Key, Home | None]"
"""Datasets that have the meta-features given; None: those that have not, or are not there yet."""
_Settle: TypeAlias = "Callable[[_Features, _Known], Awaitable[dict[Key, tuple[int, int]]]]"


class Outcome(NamedTuple):
    """What became of one run: `id` names the stored run, `error` says why this one was not taken."""

    index: int  # type: ignore[assignment]  # that tuples have a method of this name is no loss
    status: Literal["created", "duplicate", "conflict", "rejected"]
    run_id: str | None
    id: UUID | None = None
    error: ForerunError | None = None
    project_id: int | None = None


async def upsert(
    connection: AsyncConnection, runs: Sequence[Run | Arrival], homes: Homes | None = None
) -> list[Outcome]:
    """Store the runs that are new, with their projects, datasets and meta-features; one outcome for each, in order.

    `homes`: what this process remembers of datasets.

    Any number of callers may send the same runs at once: locks are taken on projects, then datasets, then runs, each in
    the order of their keys, so none waits for one that waits for it.
    """
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, psycopg.AsyncConnection)

    async def settle(features: _Features, known: _Known) -> dict[Key, tuple[int, int]]:
        return await _settled(connection, features, known)

    return await _upsert(driver, runs, settle, homes or Homes())


async def upsert_swiftly(driver: Driver, runs: Sequence[Run | Arrival], homes: Homes) -> list[Outcome | None]:
    """The same by a connection that commits by itself, for what needs no second look; None in place of what does."""
    arrivals = [run if isinstance(run, Arrival) else arrival_of(run) for run in runs]
    places = await insert(driver, arrivals, homes)
    return [
        Outcome(index, "created", row.run_id, place[1], None, place[0]) if place is not None else None
        for index, (row, place) in enumerate(zip(arrivals, places, strict=True))
    ]


async def _upsert(driver: Driver, runs: Sequence[Run | Arrival], settle: _Settle, homes: Homes) -> list[Outcome]:
    arrivals = [run if isinstance(run, Arrival) else arrival_of(run) for run in runs]
    lost = await _that_follow_nothing(driver, arrivals)
    first = _first_of_each(arrivals, lost)
    stored, known, base = await _look_up(driver, arrivals, _features(first.values(), arrivals), homes)
    fresh = [index for key, index in first.items() if key not in stored]
    created: dict[Key, _Place] = {}
    if fresh:
        created = await _store(driver, settle, arrivals, fresh, known, base)
        if len(created) < len(fresh):  # another caller stored them since we looked
            stored |= await _places(driver, [arrivals[index] for index in fresh])
    return [_outcome(index, row, index in lost, stored, created) for index, row in enumerate(arrivals)]


def _first_of_each(arrivals: Sequence[Arrival], lost: set[int]) -> dict[Key, int]:
    """The first run of each key, of those that could be stored; sorted by key."""
    first: dict[Key, int] = {}
    for index, row in enumerate(arrivals):
        if index not in lost:
            first.setdefault((row.project, row.run_id), index)
    return dict(sorted(first.items()))


def _features(indices: Iterable[int], arrivals: Sequence[Arrival]) -> dict[Key, Mapping[str, float]]:
    """What the runs tell about each of their datasets; of two values for one meta-feature, the one posted last."""
    features: dict[Key, Mapping[str, float]] = {}
    for index in sorted(indices):
        row = arrivals[index]
        key = (row.project, row.dataset)
        told = features.setdefault(key, row.meta_features)
        if told is not row.meta_features:  # mostly it is, as it was read once
            features[key] = {**told, **row.meta_features}
    return features


# ---------------------------------------------------------------- what is there already


class _Place(NamedTuple):
    """A stored run."""

    id: UUID
    digest: bytes
    project_id: int
    arrival: int = -1
    """Which one it was made from, if this transaction made it."""


_PLACES: Final = """
    SELECT projects.name, runs.run_id, runs.id, runs.digest, projects.id
    FROM jsonb_to_recordset(CAST(%s AS jsonb)) AS given(project text, run_id text)
    JOIN projects ON projects.name = given.project
    JOIN runs ON runs.project_id = projects.id AND runs.run_id = given.run_id
"""
_VERSIONS: Final = "SELECT id, CAST(CAST(xmin AS text) AS bigint) FROM datasets WHERE id = ANY(%s)"
_HOMES: Final = """
    SELECT given.project, given.name, projects.id, datasets.id, CAST(CAST(datasets.xmin AS text) AS bigint)
    FROM jsonb_to_recordset(CAST(%s AS jsonb)) AS given(project text, name text, meta_features jsonb)
    JOIN projects ON projects.name = given.project
    JOIN datasets ON datasets.project_id = projects.id AND datasets.name = given.name
    WHERE datasets.meta_features @> given.meta_features
"""
_FOLLOWED: Final = """
    SELECT projects.name, recommendations.id FROM recommendations JOIN projects ON projects.id = project_id
    WHERE recommendations.id = ANY(%s)
"""


async def _look_up(
    driver: Driver, arrivals: Sequence[Arrival], features: _Features, homes: Homes
) -> tuple[dict[Key, _Place], dict[Key, Home | None], int]:
    """Runs that are stored, what is known of the datasets, and a number from which ids for new runs can be counted.

    In one round trip if the datasets are familiar, with a savepoint to come back to. The statements are planned each
    time: a plan that was made while the table was small must not outlive that.
    """
    seen = {key: home for key, given in features.items() if (home := homes.get(key, given)) is not None}
    async with driver.pipeline(), driver.cursor() as found, driver.cursor() as current, driver.cursor() as cursor:
        await found.execute(_PLACES, [_keys(arrivals)], prepare=False)
        await current.execute(_VERSIONS, [[home.dataset_id for home in seen.values()]], prepare=False)
        await cursor.execute("SELECT uuidv7()")
        ((base,),) = await cursor.fetchall()
        versions = dict(await current.fetchall())
        places = _by_key(await found.fetchall())
        known = {key: home for key, home in seen.items() if versions.get(home.dataset_id) == home.version}
        known |= await _homes(driver, {key: features[key] for key in features.keys() - known.keys()}, homes)
        await driver.execute("SAVEPOINT arrivals")
    return places, {key: known.get(key) for key in features}, base.int


async def _homes(driver: Driver, features: _Features, homes: Homes) -> dict[Key, Home]:
    """Those of the datasets that are there and have these meta-features; they are remembered."""
    if not features:
        return {}
    given = [{"project": project, "name": name, "meta_features": told} for (project, name), told in features.items()]
    async with driver.cursor() as cursor:
        await cursor.execute(_HOMES, [documents.dumps(given)], prepare=False)
        found = {
            (row[0], row[1]): Home(row[2], row[3], row[4], features[row[0], row[1]]) for row in await cursor.fetchall()
        }
    for key, home in found.items():
        homes.see(key, home)
    return found


async def _places(driver: Driver, arrivals: Sequence[Arrival]) -> dict[Key, _Place]:
    async with driver.cursor() as cursor:
        await cursor.execute(_PLACES, [_keys(arrivals)], prepare=False)
        return _by_key(await cursor.fetchall())


def _keys(arrivals: Sequence[Arrival]) -> str:
    return documents.dumps([{"project": row.project, "run_id": row.run_id} for row in arrivals])


def _by_key(rows: Iterable[tuple[Any, ...]]) -> dict[Key, _Place]:
    return {(project, run_id): _Place(*place) for project, run_id, *place in rows}


async def _that_follow_nothing(driver: Driver, arrivals: Sequence[Arrival]) -> set[int]:
    """Those which name a recommendation that their project does not have."""
    named = {row.recommendation_id for row in arrivals} - {None}
    if not named:
        return set()
    async with driver.cursor() as cursor:
        await cursor.execute(_FOLLOWED, [list(named)])
        known = set(await cursor.fetchall())
    return {
        index
        for index, row in enumerate(arrivals)
        if row.recommendation_id is not None and (row.project, row.recommendation_id) not in known
    }


# ---------------------------------------------------------------- storing what is new


async def _store(
    driver: Driver,
    settle: _Settle,
    arrivals: Sequence[Arrival],
    fresh: Sequence[int],
    known: _Known,
    base: int,
) -> dict[Key, _Place]:
    """Store these runs, in the order given, but for those that somebody else stores meanwhile; gives those stored."""
    features = _features(fresh, arrivals)
    placed = await settle(features, known)
    rows = _Rows(arrivals, fresh, placed, base & ~(1 << 61))  # with room to count on without touching other bits
    try:
        await _copy(driver, "runs", rows)
        new = None
    except UniqueViolation:
        await driver.execute("ROLLBACK TO SAVEPOINT arrivals")
        rows = rows._replace(placed=await settle(features, known))
        new = await _stage(driver, rows)
    made = {arrivals[index].key: rows.place(index) for index in fresh}
    return made if new is None else {key: place for key, place in made.items() if place.id in new}


async def _settled(connection: AsyncConnection, features: _Features, known: _Known) -> dict[Key, tuple[int, int]]:
    """The ids of project and dataset for each dataset, made where absent, with these meta-features merged into it."""
    homes = {key: known[key] for key in features}
    placed = {key: (home.project_id, home.dataset_id) for key, home in homes.items() if home is not None}
    if unsettled := [key for key in features if key not in placed]:
        names = {project for project, _ in unsettled}
        ids = await projects.ensure(connection, names)
        merged = await datasets.merge(connection, {(ids[key[0]], key[1]): features[key] for key in unsettled})
        placed |= {key: (ids[key[0]], merged[ids[key[0]], key[1]]) for key in unsettled}
    return placed


class _Rows(NamedTuple):
    """Runs that are about to be stored."""

    arrivals: Sequence[Arrival]
    fresh: Sequence[int]
    placed: Mapping[Key, tuple[int, int]]
    base: int
    """A UUIDv7 that the database made, as a number; ids of one transaction count on from it, in order of arrival."""

    def place(self, index: int) -> _Place:
        """Where a run will be."""
        row = self.arrivals[index]
        project_id, _ = self.placed[row.project, row.dataset]
        return _Place(UUID(int=self.base + index), row.digest, project_id, index)

    def lines(self) -> bytes:
        """In the order of `_COLUMNS`, as COPY reads them."""
        heads = {key: b"\t%d\t%d\t" % ids for key, ids in self.placed.items()}
        return b"".join([self._line(index, self.arrivals[index], heads) for index in self.fresh])

    def _line(self, index: int, row: Arrival, heads: Mapping[Key, bytes]) -> bytes:
        rest = b"\t".join((row.run_id.encode(), row.state.encode(), *row.documents))
        if b"\\" in rest:
            rest = rest.replace(b"\\", b"\\\\")
        times = _NO_TIMES if row.started_at is row.finished_at is None else _times(row)
        follows = row.recommendation_id.hex.encode() if row.recommendation_id else b"\\N"
        return b"%032x%b%b\t%b\t%b\t\\\\x%b\n" % (
            self.base + index, heads[row.project, row.dataset], rest, follows, times, hexlify(row.digest),
        )  # fmt: skip


_NO_TIMES: Final = b"\\N\t\\N"


def _times(row: Arrival) -> bytes:
    return b"\t".join([_time(row.started_at), _time(row.finished_at)])


def _time(time: datetime | None) -> bytes:
    return time.isoformat().encode() if time else b"\\N"


_TYPES: Final = {
    "id": "uuid",
    "project_id": "bigint",
    "dataset_id": "bigint",
    "run_id": "text",
    "state": "text",
    **dict.fromkeys(DOCUMENTS, "jsonb"),
    "recommendation_id": "uuid",
    "started_at": "timestamptz",
    "finished_at": "timestamptz",
    "digest": "bytea",
}
_COLUMNS: Final = ", ".join(_TYPES)
_STAGE: Final = f"""
    CREATE TEMP TABLE IF NOT EXISTS incoming_runs ({", ".join(f"{name} {kind}" for name, kind in _TYPES.items())})
    ON COMMIT DELETE ROWS
"""
_INSERT: Final = f"""
    INSERT INTO runs ({_COLUMNS}) SELECT {_COLUMNS} FROM incoming_runs ORDER BY project_id, run_id
    ON CONFLICT (project_id, run_id) DO NOTHING RETURNING id
"""  # noqa: S608  # put together from constants


async def _copy(driver: Driver, table: str, rows: _Rows) -> None:
    async with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({_COLUMNS}) FROM STDIN") as copy:
        await copy.write(rows.lines())


async def _stage(driver: Driver, rows: _Rows) -> set[UUID]:
    """The ids of those that were inserted."""
    await driver.execute(_STAGE)
    await _copy(driver, "incoming_runs", rows)
    return {id_ for (id_,) in await (await driver.execute(_INSERT)).fetchall()}


# ---------------------------------------------------------------- the outcome


def _outcome(
    index: int, row: Arrival, follows_nothing: bool, stored: Mapping[Key, _Place], created: Mapping[Key, _Place]
) -> Outcome:
    place = created.get((row.project, row.run_id)) or stored.get((row.project, row.run_id))
    if place is not None and place.arrival == index:
        return Outcome(index, "created", row.run_id, place.id, None, place.project_id)
    if follows_nothing and (place is None or place.arrival > index):
        error = InvalidRequest.at("/recommendation_id", "the project has no such recommendation")
        return Outcome(index, "rejected", row.run_id, error=error)
    if place is None:
        gone = Unavailable("a run of this run_id was deleted at the same moment; send it again", retry_after_seconds=1)
        return Outcome(index, "rejected", row.run_id, error=gone)
    if row.digest == place.digest:
        return Outcome(index, "duplicate", row.run_id, place.id)
    message = "another run is stored under this run_id; PATCH finishes a running run, and a new run needs a new run_id"
    return Outcome(index, "conflict", row.run_id, place.id, RunConflict(message, [Fault("/run_id", message)]))
