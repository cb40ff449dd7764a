"""Datasets and the numbers that describe them, each in its project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from sqlalchemy import Row, Select, func, select, text

from app.errors import NotFound
from app.store import cursors, documents
from app.store.database import AsyncConnection
from app.store.projects import ensure as ensure_projects
from app.store.reach import Reach, within
from app.store.tables import datasets, projects, runs

Key: TypeAlias = tuple[int, str]
"""The project's id and the dataset's name."""


MOST_RUNS: Final = 10_000
"""Of a dataset, where counting stops: a page of them costs the same on any history."""


@dataclass(frozen=True, slots=True)
class StoredDataset:
    """A dataset as the store gives it back."""

    project: str
    name: str
    meta_features: Mapping[str, float]
    n_runs: int
    created_at: datetime
    updated_at: datetime


# ---------------------------------------------------------------- writing

_FIND: Final = text("""
    SELECT id, project_id, name, datasets.meta_features @> given.meta_features AS current
    FROM jsonb_to_recordset(CAST(:given AS jsonb)) AS given(project_id bigint, name text, meta_features jsonb)
    JOIN datasets USING (project_id, name)
""")
_MERGE: Final = text("""
    INSERT INTO datasets (project_id, name, meta_features)
    SELECT project_id, name, meta_features
    FROM jsonb_to_recordset(CAST(:given AS jsonb)) AS given(project_id bigint, name text, meta_features jsonb)
    ORDER BY project_id, name
    ON CONFLICT (project_id, name) DO UPDATE
    SET meta_features = datasets.meta_features || excluded.meta_features, updated_at = now()
    RETURNING id, project_id, name
""")
_REPLACE: Final = text("""
    INSERT INTO datasets (project_id, name, meta_features) VALUES (:project_id, :name, CAST(:meta_features AS jsonb))
    ON CONFLICT (project_id, name) DO UPDATE SET meta_features = excluded.meta_features, updated_at = now()
    RETURNING id
""")


async def merge(connection: AsyncConnection, features: Mapping[Key, Mapping[str, float]]) -> dict[Key, int]:
    """The id of each dataset, created where absent, with these meta-features merged into those it has.

    Nothing is written to a dataset that has them already, so that runs of one dataset do not queue for its row; what
    is written is written in the order of its keys, so that two callers cannot wait for each other.
    """
    found = (await connection.execute(_FIND, {"given": _as_rows(features)})).all()
    ids = {(row.project_id, row.name): row.id for row in found}
    current = {(row.project_id, row.name) for row in found if row.current}
    if stale := {key: features[key] for key in features.keys() - current}:
        written = await connection.execute(_MERGE, {"given": _as_rows(stale)})
        ids |= {(row.project_id, row.name): row.id for row in written}
    return ids


def _as_rows(features: Mapping[Key, Mapping[str, float]]) -> str:
    return documents.dumps(
        [
            {"project_id": project_id, "name": name, "meta_features": given}
            for (project_id, name), given in features.items()
        ]
    )


async def replace(
    connection: AsyncConnection, project: str, name: str, meta_features: Mapping[str, float]
) -> StoredDataset:
    """Give a dataset these meta-features and no others; project and dataset are created if absent."""
    project_ids = await ensure_projects(connection, [project])
    given = {"project_id": project_ids[project], "name": name, "meta_features": documents.dumps(meta_features)}
    await connection.execute(_REPLACE, given)
    return await get(connection, project, name)


# ---------------------------------------------------------------- reading


async def get(connection: AsyncConnection, project: str, name: str) -> StoredDataset:
    """Raises: NotFound."""
    found = await connection.execute(_listed().where(projects.c.name == project, datasets.c.name == name))
    if (row := found.one_or_none()) is None:
        raise NotFound(f"project {project!r} has no dataset {name!r}")
    return _stored(row)


async def page(
    connection: AsyncConnection, *, project: str | None, cursor: str | None, limit: int, reach: Reach = None
) -> tuple[list[StoredDataset], str | None]:
    """Datasets, newest first, and where the next page begins. Raises: InvalidCursor."""
    query = _listed().where(within(datasets.c.project_id, reach)).order_by(datasets.c.id.desc()).limit(limit + 1)
    if project is not None:
        query = query.where(projects.c.name == project)
    if cursor is not None:
        query = query.where(datasets.c.id < cursors.read_bigint(cursor))
    rows = (await connection.execute(query)).all()
    following = cursors.after_bigint(rows[limit - 1].id) if len(rows) > limit else None
    return [_stored(row) for row in rows[:limit]], following


async def meta_features(connection: AsyncConnection, project_id: int) -> dict[str, dict[str, float]]:
    """The meta-features of every dataset of a project, by the dataset's name."""
    query = select(datasets.c.name, datasets.c.meta_features).where(datasets.c.project_id == project_id)
    return {row.name: row.meta_features for row in await connection.execute(query)}


def _listed() -> Select[Any]:
    some = select(runs.c.id).where(runs.c.dataset_id == datasets.c.id).correlate(datasets).limit(MOST_RUNS).subquery()
    n_runs = select(func.count()).select_from(some).scalar_subquery()
    return select(datasets, projects.c.name.label("project"), n_runs.label("n_runs")).join_from(datasets, projects)


def _stored(row: Row[Any]) -> StoredDataset:
    return StoredDataset(row.project, row.name, row.meta_features, row.n_runs, row.created_at, row.updated_at)


async def meta_features_of(connection: AsyncConnection, project_id: int, name: str) -> dict[str, float]:
    """The meta-features of one dataset; none if there is no such dataset."""
    query = select(datasets.c.meta_features).where(datasets.c.project_id == project_id, datasets.c.name == name)
    return await connection.scalar(query) or {}
