"""What a stored meta-learner relies on."""

from __future__ import annotations

import asyncio
from uuid import UUID

from app.errors import Conflict, CorruptBundle
from app.flows.recommend import Bundles
from app.learn.importance import importance
from app.store import meta_learners
from app.store.database import Database
from app.store.reach import Reach


async def inputs(
    database: Database, bundles: Bundles, meta_learner_id: UUID, reach: Reach
) -> dict[str, dict[str, float]]:
    """By target, the share of each input in its predictions. Raises: NotFound, Conflict, Unavailable."""
    async with database.snapshot() as connection:
        await meta_learners.get(connection, meta_learner_id, with_report=False, reach=reach)
        try:
            learner = await bundles.get(connection, meta_learner_id)
        except CorruptBundle:
            bundles.damaged.add(meta_learner_id)
            raise Conflict("the bundle of this meta-learner is damaged; refit its project") from None
    return await asyncio.to_thread(importance, learner)
