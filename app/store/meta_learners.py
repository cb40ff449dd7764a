"""Meta-learners: immutable bundles, numbered within their project; one of them is the champion."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, func, insert, null, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.errors import CorruptBundle, NotFound
from app.store import audit, notices
from app.store.projects import lock
from app.store.reach import Reach, within
from app.store.tables import meta_learners, projects


@dataclass(frozen=True, slots=True)
class MetaLearner:
    """What is known of a stored meta-learner, without its bytes."""

    id: UUID
    project: str
    version: int
    n_runs: int
    n_datasets: int
    fitted_at: datetime
    n_bytes: int
    format_version: int
    champion: bool
    verdict: dict[str, Any]
    report: dict[str, Any] | None
    """None in lists."""


async def insert_next(
    connection: AsyncConnection,
    project_id: int,
    content: bytes,
    *,
    n_runs: int,
    n_datasets: int,
    format_version: int,
    report: dict[str, Any],
    verdict: dict[str, Any],
) -> UUID:
    """Store a bundle as its project's next version."""
    await lock(connection, project_id)
    newest = select(func.max(meta_learners.c.version)).where(meta_learners.c.project_id == project_id)
    values = {
        "project_id": project_id,
        "version": (await connection.scalar(newest) or 0) + 1,
        "n_runs": n_runs,
        "n_datasets": n_datasets,
        "content": content,
        "checksum": sha256(content).digest(),
        "format_version": format_version,
        "report": report,
        "verdict": verdict,
    }
    statement = insert(meta_learners).values(values).returning(meta_learners.c.id)
    meta_learner_id: UUID = (await connection.execute(statement)).scalar_one()
    return meta_learner_id


async def get(
    connection: AsyncConnection, meta_learner_id: UUID, *, with_report: bool = True, reach: Reach = None
) -> MetaLearner:
    """A report can be large: whoever only needs to know who it is leaves it out. Raises: NotFound."""
    one = (meta_learners.c.id == meta_learner_id, within(meta_learners.c.project_id, reach))
    statement = _select(with_report=with_report).where(*one)
    row = (await connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no meta-learner {meta_learner_id}")
    return MetaLearner(**row)


async def list_page(
    connection: AsyncConnection, project_id: int, limit: int, before: UUID | None = None
) -> list[MetaLearner]:
    """At most `limit` meta-learners of a project, newest first, those before the id `before`."""
    statement = _select(with_report=False).where(meta_learners.c.project_id == project_id)
    if before is not None:
        statement = statement.where(meta_learners.c.id < before)
    rows = await connection.execute(statement.order_by(meta_learners.c.id.desc()).limit(limit))
    return [MetaLearner(**row) for row in rows.mappings()]


_QUALITIES: Final = text("""
    SELECT meta_learners.id,
        (SELECT jsonb_object_agg(target.key, (
            SELECT jsonb_object_agg(figure.key, figure.value) FROM jsonb_each(target.value) AS figure
            WHERE figure.key IN ('rank_correlation', 'coverage', 'regret', 'n_held_out_datasets')
        )) FROM jsonb_each(meta_learners.report -> 'targets') AS target) AS quality
    FROM meta_learners WHERE meta_learners.id = ANY(:ids)
""")


async def qualities(connection: AsyncConnection, meta_learner_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """The head of each report: by target, its means over the held-out datasets, none of the datasets themselves."""
    rows = await connection.execute(_QUALITIES, {"ids": list(meta_learner_ids)})
    return {row.id: {name: figures or {} for name, figures in (row.quality or {}).items()} for row in rows}


async def load(connection: AsyncConnection, meta_learner_id: UUID) -> bytes:
    """The bundle. Raises: NotFound, CorruptBundle when the bytes are not those that were stored."""
    statement = select(meta_learners.c.content, meta_learners.c.checksum).where(meta_learners.c.id == meta_learner_id)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise NotFound(f"There is no meta-learner {meta_learner_id}")
    if sha256(row.content).digest() != bytes(row.checksum):
        raise CorruptBundle(f"The bytes of meta-learner {meta_learner_id} do not match their checksum")
    return bytes(row.content)


async def is_intact(connection: AsyncConnection, meta_learner_id: UUID) -> bool:
    """Whether the bytes are those that were stored; PostgreSQL reads all of them, and nobody else."""
    intact = func.sha256(meta_learners.c.content) == meta_learners.c.checksum
    return bool(await connection.scalar(select(intact).where(meta_learners.c.id == meta_learner_id)))


async def champions_among(connection: AsyncConnection, meta_learner_ids: Collection[UUID]) -> list[UUID]:
    """Those of some meta-learners that are champions now."""
    serving = select(projects.c.champion_id).where(projects.c.champion_id.in_(meta_learner_ids))
    return list((await connection.execute(serving.order_by(projects.c.champion_id))).scalars())


async def promote(
    connection: AsyncConnection, meta_learner_id: UUID, reach: Reach = None, who: str = audit.LOCAL
) -> None:
    """Make it its project's champion. Raises: NotFound."""
    one = (meta_learners.c.id == meta_learner_id, within(meta_learners.c.project_id, reach))
    owner = select(meta_learners.c.project_id).where(*one).scalar_subquery()
    values = {"champion_id": meta_learner_id, "updated_at": func.now()}
    statement = update(projects).where(projects.c.id == owner).values(values).returning(projects.c.name)
    project = await connection.scalar(statement)
    if project is None:
        raise NotFound(f"There is no meta-learner {meta_learner_id}")
    await notices.champion_switched(connection, project)
    await audit.add(connection, who, "meta_learner_promoted", meta_learner_id, project)


def _select(*, with_report: bool) -> Select[Any]:
    shown = ("id", "version", "n_runs", "n_datasets", "fitted_at", "format_version", "verdict")
    return select(
        *(meta_learners.c[name] for name in shown),
        projects.c.name.label("project"),
        func.octet_length(meta_learners.c.content).label("n_bytes"),
        func.coalesce(projects.c.champion_id == meta_learners.c.id, False).label("champion"),
        (meta_learners.c.report if with_report else null().label("report")),
    ).join(projects, projects.c.id == meta_learners.c.project_id)
