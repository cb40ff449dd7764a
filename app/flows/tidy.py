"""The story of tidying: what came in is folded in good time, and rows go that their project need not keep.

In a process of its own, which can be killed at any moment: all is done in transactions of some seconds at most.
"""

from __future__ import annotations

import logging
from typing import Final

from app.flows import upkeep
from app.flows.fold import fold
from app.store import projects, retention
from app.store.database import Database

log = logging.getLogger(__name__)

AT_ONCE: Final = 5_000
"""Rows that go in one transaction: about a second's work."""


async def tidy_all(database: Database) -> None:
    """Every project that needs it, one after the other."""
    for project_id in await upkeep.untidy(database):
        await tidy(database, project_id)


async def tidy(database: Database, project_id: int) -> int:
    """Fold a project's new runs, and let expired rows go; how many went. Raises: NotFound."""
    await fold(database, project_id)
    async with database.snapshot() as connection:
        project = await projects.get_by_id(connection, project_id)
    if (policy := upkeep.retention_of(project)) is None:
        return 0
    n_gone = 0
    while n := await _expire_some(database, project_id, *policy):
        n_gone += n
    if n_gone:
        log.info("%d raw runs of project %r had expired", n_gone, project.name)
    return n_gone


async def _expire_some(database: Database, project_id: int, seconds: float, keep_latest: int) -> int:
    async with database.transaction() as connection:
        return await retention.expire(connection, project_id, seconds, keep_latest, AT_ONCE)
