from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text

from app.errors import CorruptBundle, NotFound
from app.store import meta_learners, projects
from app.store.database import Database


@pytest.fixture
async def project_id(database: Database) -> int:
    async with database.transaction() as connection:
        return (await projects.ensure(connection, ["p"]))["p"]


async def stored(database: Database, project_id: int, content: bytes = b"bundle") -> UUID:
    async with database.transaction() as connection:
        return await meta_learners.insert_next(
            connection,
            project_id,
            content,
            n_runs=100,
            n_datasets=7,
            format_version=1,
            report={"coverage": 0.9},
            verdict={"promoted": True, "reason": "first", "figures": {}},
        )


async def test_versions_are_counted_without_gaps_however_many_save_at_once(database: Database, project_id: int) -> None:
    ids = await asyncio.gather(*(stored(database, project_id) for _ in range(5)))
    async with database.snapshot() as connection:
        versions = [(await meta_learners.get(connection, made)).version for made in ids]
    assert sorted(versions) == [1, 2, 3, 4, 5]


async def test_the_bytes_come_back_as_they_were(database: Database, project_id: int) -> None:
    content = bytes(range(256)) * 100
    meta_learner_id = await stored(database, project_id, content)
    async with database.snapshot() as connection:
        assert await meta_learners.load(connection, meta_learner_id) == content
        known = await meta_learners.get(connection, meta_learner_id)
    assert (known.n_bytes, known.project, known.report, known.champion) == (25_600, "p", {"coverage": 0.9}, False)


async def test_a_flipped_bit_is_noticed(database: Database, project_id: int) -> None:
    meta_learner_id = await stored(database, project_id)
    async with database.transaction() as connection:
        await connection.execute(
            text("UPDATE meta_learners SET content = set_bit(content, 3, 1 - get_bit(content, 3))")
        )
        with pytest.raises(CorruptBundle, match=str(meta_learner_id)):
            await meta_learners.load(connection, meta_learner_id)


async def test_one_of_a_project_is_its_champion(database: Database, project_id: int) -> None:
    first, second = await stored(database, project_id), await stored(database, project_id)
    async with database.transaction() as connection:
        for promoted in (first, second, first):
            await meta_learners.promote(connection, promoted)
            listed = await meta_learners.list_page(connection, project_id, 10)
            assert [(known.id, known.champion) for known in listed] == [
                (second, promoted == second),
                (first, promoted == first),
            ]
            assert (await projects.get(connection, "p")).champion_id == promoted


async def test_lists_have_no_reports_and_come_in_pages(database: Database, project_id: int) -> None:
    ids = [await stored(database, project_id) for _ in range(3)]
    async with database.snapshot() as connection:
        page = await meta_learners.list_page(connection, project_id, 2)
        rest = await meta_learners.list_page(connection, project_id, 2, before=page[-1].id)
    assert [known.id for known in [*page, *rest]] == ids[::-1]
    assert {known.report for known in page} == {None}


async def test_an_unknown_meta_learner_is_not_found(database: Database) -> None:
    async with database.transaction() as connection:
        for ask in (meta_learners.get, meta_learners.load, meta_learners.promote):
            with pytest.raises(NotFound):
                await ask(connection, UUID(int=1))
