"""API keys from the command line: what `forerun keys` does with the database, each in a transaction of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from app.errors import InvalidRequest
from app.flows.access import create_key
from app.store import keys, projects
from app.store.database import AsyncConnection, connect
from app.store.keys import Key, Scope
from app.types import Name

T = TypeVar("T")
_NAME: TypeAdapter[str] = TypeAdapter(Name)


def create(
    url: str, name: str, scopes: Collection[Scope], project_names: Collection[str] | None, expires_in_days: int | None
) -> tuple[Key, str]:
    """A new key and its text. Raises: InvalidRequest for what is no name."""
    for given in (name, *(project_names or ())):
        _check_name(given)

    return _in_transaction(
        url, lambda connection: create_key(connection, name, scopes, project_names or None, expires_in_days)
    )


def _check_name(given: str) -> None:
    try:
        _NAME.validate_python(given)
    except ValidationError as error:
        raise InvalidRequest(f"{given!r} is not a name of 1 to 200 characters without control characters") from error


def listed(url: str) -> list[tuple[str, ...]]:
    """Every key: id, name, prefix, scopes, projects, when it expires, was revoked and last used."""

    async def read(connection: AsyncConnection) -> list[tuple[str, ...]]:
        found = await keys.list_all(connection)
        names = await projects.names(connection, {i for key in found for i in key.project_ids or ()})
        return [_row(key, names) for key in found]

    return _in_transaction(url, read)


def _row(key: Key, names: dict[int, str]) -> tuple[str, ...]:
    limited = "all" if key.project_ids is None else ", ".join(names[i] for i in key.project_ids)
    times = map(_minute, (key.expires_at, key.revoked_at, key.last_used_at))
    return (str(key.id), key.name, key.prefix, ", ".join(key.scopes), limited, *times)


def _minute(time: datetime | None) -> str:
    return "" if time is None else f"{time:%Y-%m-%d %H:%M}"


def revoke(url: str, key_id: UUID) -> Key:
    """The key, revoked. Raises: NotFound."""
    return _in_transaction(url, lambda connection: keys.revoke(connection, key_id))


def any_good(url: str) -> bool:
    """Whether there is a key that opens anything."""
    return _in_transaction(url, keys.any_good)


def _in_transaction(url: str, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    async def connected() -> T:
        database = connect(url, pool_size=1, pooled=True)  # it may lead through a pooler, and one transaction is all
        try:
            async with database.transaction() as connection:
                return await work(connection)
        finally:
            await database.close()

    return asyncio.run(connected())
