"""API keys: only their hashes are kept; a short public prefix finds the row. All changes to them are audited."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import ARRAY, Text, func, insert, literal, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.errors import NotFound
from app.store import audit, cursors
from app.store.tables import keys

Scope: TypeAlias = Literal["ingest", "recommend", "read", "admin"]

_GOOD: Final = (keys.c.revoked_at.is_(None), or_(keys.c.expires_at.is_(None), keys.c.expires_at > func.now()))


@dataclass(frozen=True, slots=True)
class Key:
    """A key as stored."""

    id: UUID
    project_ids: Sequence[int] | None
    """None: every project."""
    name: str
    prefix: str
    hash: bytes
    scopes: Sequence[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


async def insert_one(
    connection: AsyncConnection,
    *,
    name: str,
    prefix: str,
    hash: bytes,  # noqa: A002  # the column's name
    scopes: Sequence[str],
    project_ids: Sequence[int] | None = None,
    expires_at: datetime | None = None,
    who: str = audit.LOCAL,
) -> Key:
    values = {
        "name": name,
        "prefix": prefix,
        "hash": hash,
        "scopes": list(scopes),
        "project_ids": None if project_ids is None else list(project_ids),
        "expires_at": expires_at,
    }
    key = Key(**(await connection.execute(insert(keys).values(values).returning(keys))).mappings().one())
    await audit.add(connection, who, "key_created", key.id, name=name, prefix=prefix, scopes=list(scopes))
    return key


async def page(connection: AsyncConnection, *, cursor: str | None, limit: int) -> tuple[list[Key], str | None]:
    """Keys, revoked ones too, newest first, and where the next page begins. Raises: InvalidCursor."""
    query = select(keys).order_by(keys.c.id.desc()).limit(limit + 1)
    if cursor is not None:
        query = query.where(keys.c.id < cursors.read_uuid(cursor))
    found = [Key(**row) for row in (await connection.execute(query)).mappings()]
    return found[:limit], cursors.after_uuid(found[limit - 1].id) if len(found) > limit else None


async def any_good(connection: AsyncConnection) -> bool:
    """Whether there is a key that opens anything."""
    return await connection.scalar(select(keys.c.id).where(*_GOOD).limit(1)) is not None


async def list_all(connection: AsyncConnection) -> list[Key]:
    """Every key, revoked ones too, oldest first."""
    return [Key(**row) for row in (await connection.execute(select(keys).order_by(keys.c.id))).mappings()]


async def find_by_prefixes(connection: AsyncConnection, prefixes: Collection[str]) -> list[Key]:
    """The keys with these prefixes, whether or not they are still good: that is for the caller to tell."""
    query = select(keys).where(keys.c.prefix == func.any(literal(list(prefixes), ARRAY(Text))))
    return [Key(**row) for row in (await connection.execute(query)).mappings()]


async def revoke(connection: AsyncConnection, key_id: UUID, who: str = audit.LOCAL) -> Key:
    """From now on the key opens nothing; revoking it again changes nothing. Raises: NotFound."""
    fresh = update(keys).where(keys.c.id == key_id, keys.c.revoked_at.is_(None)).values(revoked_at=func.now())
    if (await connection.execute(fresh)).rowcount:
        await audit.add(connection, who, "key_revoked", key_id)
    row = (await connection.execute(select(keys).where(keys.c.id == key_id))).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no key {key_id}")
    return Key(**row)


async def note_use(connection: AsyncConnection, key_id: UUID) -> None:
    """The key was used just now; what is known to the minute is not written again."""
    before = or_(keys.c.last_used_at.is_(None), keys.c.last_used_at < func.now() - text("interval '1 minute'"))
    await connection.execute(update(keys).where(keys.c.id == key_id, before).values(last_used_at=func.now()))
