"""Which datasets of a project are like one of them."""

from __future__ import annotations

import asyncio
from typing import Any

from app.errors import NotFound
from app.featurise.similarity import Neighbour, nearest
from app.store import datasets, projects
from app.store.database import Database


async def similar_datasets(database: Database, project: str, dataset: str, k: int) -> list[dict[str, Any]]:
    """The k most alike, nearest first. Raises: NotFound, Unavailable."""
    async with database.snapshot() as connection:
        owner = await projects.get(connection, project)
        known = await datasets.meta_features(connection, owner.id)
    if dataset not in known:
        raise NotFound(f"project {project!r} has no dataset {dataset!r}")
    names = sorted(known)
    found = await asyncio.to_thread(nearest, [known[name] for name in names], names.index(dataset), k)
    return [_as_json(neighbour, names) for neighbour in found]


def _as_json(neighbour: Neighbour, names: list[str]) -> dict[str, Any]:
    return {
        "dataset": names[neighbour.row],
        "distance": neighbour.distance,
        "n_shared_meta_features": neighbour.n_shared,
    }
