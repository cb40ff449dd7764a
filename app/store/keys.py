"""API keys: only their hashes are kept; a short public prefix finds the row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.errors import NotFound
from app.store.tables import keys


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
) -> Key:
    values = {
        "name": name,
        "prefix": prefix,
        "hash": hash,
        "scopes": list(scopes),
        "project_ids": None if project_ids is None else list(project_ids),
        "expires_at": expires_at,
    }
    return Key(**(await connection.execute(insert(keys).values(values).returning(keys))).mappings().one())


async def list_all(connection: AsyncConnection) -> list[Key]:
    """Every key, revoked ones too, oldest first."""
    return [Key(**row) for row in (await connection.execute(select(keys).order_by(keys.c.id))).mappings()]


async def find_by_prefix(connection: AsyncConnection, prefix: str) -> Key | None:
    """The key with this prefix, whether or not it is still good: that is for the caller to tell."""
    row = (await connection.execute(select(keys).where(keys.c.prefix == prefix))).mappings().one_or_none()
    return None if row is None else Key(**row)


async def revoke(connection: AsyncConnection, key_id: UUID) -> None:
    """From now on the key opens nothing; revoking it again changes nothing. Raises: NotFound."""
    values = {"revoked_at": func.coalesce(keys.c.revoked_at, func.now())}
    if (await connection.execute(update(keys).where(keys.c.id == key_id).values(values))).rowcount == 0:
        raise NotFound(f"There is no key {key_id}")
