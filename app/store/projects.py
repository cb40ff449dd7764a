"""Projects: made by the first run that names them, or by hand; each serves with one champion."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.errors import NotFound
from app.store import segments
from app.store.reach import Reach, within
from app.store.tables import projects

_IDS: Final = text("SELECT name, id FROM projects WHERE name = ANY(:names)")


@dataclass(frozen=True, slots=True)
class Project:
    """A project as stored."""

    id: int
    name: str
    objectives: Sequence[dict[str, Any]]
    refit_policy: dict[str, Any]
    retention: dict[str, Any]
    champion_id: UUID | None
    """The meta-learner that serves, if there is one yet."""
    created_at: datetime
    updated_at: datetime


async def ensure(connection: AsyncConnection, names: Collection[str]) -> dict[str, int]:
    """The ids of projects by name; those that do not exist yet are made."""
    ids = await _ids(connection, names)
    if missing := sorted(set(names) - ids.keys()):  # sorted, so that two writers cannot wait for each other
        rows = [{"name": name} for name in missing]
        await connection.execute(insert(projects).values(rows).on_conflict_do_nothing())
        ids |= await _ids(connection, missing)
    return ids


async def _ids(connection: AsyncConnection, names: Collection[str]) -> dict[str, int]:
    rows = await connection.execute(_IDS, {"names": sorted(set(names))})
    return {row.name: row.id for row in rows}


async def get(connection: AsyncConnection, name: str) -> Project:
    """Raises: NotFound."""
    return await _one(connection, projects.c.name == name, f"There is no project {name!r}")


async def get_by_id(connection: AsyncConnection, project_id: int) -> Project:
    """Raises: NotFound."""
    return await _one(connection, projects.c.id == project_id, "There is no such project any more")


async def exists(connection: AsyncConnection, project_id: int) -> bool:
    """Whether the project is there, and stays until the transaction ends."""
    statement = text("SELECT true FROM projects WHERE id = :id FOR KEY SHARE")
    return bool(await connection.scalar(statement, {"id": project_id}))


async def put(
    connection: AsyncConnection,
    name: str,
    objectives: Sequence[dict[str, Any]],
    refit_policy: dict[str, Any],
    retention: dict[str, Any] | None = None,
) -> Project:
    """Make a project, or replace what it declares."""
    declared = {"objectives": list(objectives), "refit_policy": refit_policy, "retention": retention or {}}
    changed = {**declared, "updated_at": func.now()}
    statement = insert(projects).values(name=name, **declared)
    await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=changed))
    return await get(connection, name)


async def names(connection: AsyncConnection, project_ids: Collection[int]) -> dict[int, str]:
    """The names of projects by id."""
    rows = await connection.execute(select(projects.c.id, projects.c.name).where(projects.c.id.in_(project_ids)))
    return {row.id: row.name for row in rows}


async def champions(connection: AsyncConnection, names: Collection[str]) -> dict[str, UUID]:
    """Who serves each of some projects, of those that have a champion."""
    statement = select(projects.c.name, projects.c.champion_id).where(
        projects.c.name.in_(list(names)), projects.c.champion_id.is_not(None)
    )
    return {row.name: row.champion_id for row in await connection.execute(statement)}


async def list_all(
    connection: AsyncConnection, limit: int | None = None, after: str = "", reach: Reach = None
) -> list[Project]:
    """Projects by name: all, or at most `limit` of those after a name."""
    statement = select(projects).where(projects.c.name > after, within(projects.c.id, reach))
    statement = statement.order_by(projects.c.name).limit(limit)
    return [Project(**row) for row in (await connection.execute(statement)).mappings()]


async def n_terminal_runs(connection: AsyncConnection, project_id: int) -> int:
    """How many runs a refit would learn from."""
    return await segments.n_runs(connection, project_id)


async def lock(connection: AsyncConnection, project_id: int) -> None:
    """Let nobody else change the project until the transaction ends; runs may be posted meanwhile."""
    await connection.execute(text("SELECT FROM projects WHERE id = :id FOR NO KEY UPDATE"), {"id": project_id})


async def _one(connection: AsyncConnection, condition: ColumnElement[bool], otherwise: str) -> Project:
    row = (await connection.execute(select(projects).where(condition))).mappings().one_or_none()
    if row is None:
        raise NotFound(otherwise)
    return Project(**row)
