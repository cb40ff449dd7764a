from __future__ import annotations

import asyncio

import pytest

from app.errors import NotFound
from app.store import projects
from app.store.database import Database


async def test_a_project_is_made_once_however_many_name_it_first(database: Database) -> None:
    async def ensure(names: list[str]) -> dict[str, int]:
        async with database.transaction() as connection:
            return await projects.ensure(connection, names)

    answers = await asyncio.gather(*(ensure(names) for names in (["a", "b"], ["b", "a"], ["b"], ["a"], ["a", "b"])))
    assert all(answer.items() <= answers[0].items() for answer in answers)
    async with database.snapshot() as connection:
        assert [project.name for project in await projects.list_all(connection)] == ["a", "b"]


async def test_what_is_declared_is_replaced_whole(database: Database) -> None:
    objective = {"metric": "accuracy", "direction": "maximize"}
    async with database.transaction() as connection:
        made = await projects.put(connection, "p", [objective], {"automatic": False})
        assert (made.objectives, made.refit_policy, made.champion_id) == ([objective], {"automatic": False}, None)
        changed = await projects.put(connection, "p", [], {})
        assert (changed.id, changed.objectives, changed.refit_policy) == (made.id, [], {})
        assert await projects.get_by_id(connection, made.id) == changed


async def test_an_unknown_project_is_not_found(database: Database) -> None:
    async with database.snapshot() as connection:
        with pytest.raises(NotFound, match="'ghost'"):
            await projects.get(connection, "ghost")
        with pytest.raises(NotFound):
            await projects.get_by_id(connection, 1)


async def test_projects_are_listed_by_name_in_pages(database: Database) -> None:
    async with database.transaction() as connection:
        await projects.ensure(connection, ["c", "a", "d", "b"])
        first = await projects.list_all(connection, limit=3)
        rest = await projects.list_all(connection, limit=3, after=first[-1].name)
    assert [project.name for project in [*first, *rest]] == ["a", "b", "c", "d"]
