"""The audit record: who did what to a key, a meta-learner or a run. Rows are added in the transaction they tell of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.store import cursors
from app.store.tables import audit

What: TypeAlias = Literal["key_created", "key_revoked", "meta_learner_promoted", "run_deleted"]

LOCAL: Final = "local"
"""Who acts without a key: on this machine's command line, or on a service that asks for none."""
WORKER: Final = "worker"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was done."""

    id: UUID
    at: datetime
    who: str
    """The id of a key, `local` or `worker`."""
    what: What
    subject: str
    """The id of what it was done to."""
    project: str | None
    details: dict[str, Any]


async def add(
    connection: AsyncConnection, who: str, what: What, subject: UUID, project: str | None = None, **details: Any
) -> None:
    """Put an event on record, for good if the transaction commits."""
    values = {"who": who, "what": what, "subject": str(subject), "project": project, "details": details}
    await connection.execute(insert(audit).values(values))


async def page(connection: AsyncConnection, *, cursor: str | None, limit: int) -> tuple[list[Event], str | None]:
    """Events, newest first, and where the next page begins. Raises: InvalidCursor."""
    query = select(audit).order_by(audit.c.id.desc()).limit(limit + 1)
    if cursor is not None:
        query = query.where(audit.c.id < cursors.read_uuid(cursor))
    found = [Event(**row) for row in (await connection.execute(query)).mappings()]
    return found[:limit], cursors.after_uuid(found[limit - 1].id) if len(found) > limit else None
