"""What increments start from: beside a meta-learner, what is kept of its history, and which runs that history had.

Which runs are new is told by PostgreSQL's snapshot of the moment at which a refit read: what is not visible in it. As
for segments, that means nothing in another cluster; a database that was restored begins with a full refit.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Continuation:
    """How far the champion has come, without the content."""

    meta_learner_id: UUID
    snapshot: str
    n_runs: int
    n_runs_at_full: int
    n_increments: int


_OF_CHAMPION: Final = text("""
    SELECT meta_learner_id, snapshot, n_runs, n_runs_at_full, n_increments
    FROM projects JOIN continuations ON meta_learner_id = champion_id, pg_control_system()
    WHERE projects.id = :project_id AND cluster = system_identifier
""")
_CONTENT: Final = text("SELECT content, checksum FROM continuations WHERE meta_learner_id = :id")
_PUT: Final = text("""
    INSERT INTO continuations
        (meta_learner_id, snapshot, cluster, n_runs, n_runs_at_full, n_increments, content, checksum)
    SELECT :id, :snapshot, system_identifier, :n_runs, :n_runs_at_full, :n_increments, :content, :checksum
    FROM pg_control_system()
""")
_DROP_OTHERS: Final = text("""
    DELETE FROM continuations USING meta_learners, projects
    WHERE meta_learners.id = meta_learner_id AND projects.id = meta_learners.project_id
      AND projects.id = :project_id AND meta_learner_id <> :id AND meta_learner_id IS DISTINCT FROM champion_id
""")


async def of_champion(connection: AsyncConnection, project_id: int) -> Continuation | None:
    """None where a full refit must come first."""
    row = (await connection.execute(_OF_CHAMPION, {"project_id": project_id})).one_or_none()
    return None if row is None else Continuation(*row)


async def content(connection: AsyncConnection, meta_learner_id: UUID) -> bytes | None:
    """None where it is gone, or is not what was stored."""
    row = (await connection.execute(_CONTENT, {"id": meta_learner_id})).one_or_none()
    if row is None or sha256(row.content).digest() != bytes(row.checksum):
        return None
    return bytes(row.content)


async def put(connection: AsyncConnection, project_id: int, given: Continuation, content: bytes) -> None:
    """Keep it for a new meta-learner; of the project's others only the champion's stays."""
    values = {
        "id": given.meta_learner_id,
        "snapshot": given.snapshot,
        "n_runs": given.n_runs,
        "n_runs_at_full": given.n_runs_at_full,
        "n_increments": given.n_increments,
        "content": content,
        "checksum": sha256(content).digest(),
    }
    await connection.execute(_PUT, values)
    await connection.execute(_DROP_OTHERS, {"project_id": project_id, "id": given.meta_learner_id})
