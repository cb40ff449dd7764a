from __future__ import annotations

from uuid import UUID

import pytest

from app.errors import NotFound
from app.store import keys
from app.store.database import Database


async def test_a_key_is_found_by_its_prefix_and_stays_on_record_when_revoked(database: Database) -> None:
    async with database.transaction() as connection:
        made = await keys.insert_one(connection, name="ci", prefix="fr_ab12", hash=b"\x01" * 32, scopes=["ingest"])
        bound = await keys.insert_one(
            connection, name="a", prefix="fr_cd34", hash=b"\x02" * 32, scopes=["read"], project_ids=[3]
        )
        assert (made.project_ids, bound.project_ids) == (None, [3])
        assert await keys.find_by_prefixes(connection, ["fr_ab12", "fr_zz99"]) == [made]
        assert await keys.find_by_prefixes(connection, []) == []
        await keys.revoke(connection, made.id)
        (revoked,) = await keys.find_by_prefixes(connection, ["fr_ab12"])
        assert revoked.revoked_at is not None
    async with database.transaction() as connection:
        await keys.revoke(connection, made.id)
        assert [key.prefix for key in await keys.list_all(connection)] == ["fr_ab12", "fr_cd34"]
        assert await keys.find_by_prefixes(connection, ["fr_ab12"]) == [revoked]
        with pytest.raises(NotFound):
            await keys.revoke(connection, UUID(int=1))
