"""How a recommendation turned out: the answer as it was given, beside the runs that followed it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from app.featurise.frame import flatten
from app.space import JsonValue
from app.space.columns import level_key
from app.space.paths import flatten as flatten_configuration
from app.store import recommendations
from app.store.database import Database
from app.store.reach import Reach
from app.store.recommendations import FollowingRun
from app.types import INPUT_KINDS


async def recommendation(database: Database, recommendation_id: UUID, reach: Reach = None) -> dict[str, Any]:
    """The stored answer with predicted against realised. Raises: NotFound, Unavailable."""
    async with database.snapshot() as connection:
        stored = await recommendations.get(connection, recommendation_id, reach)
        following = await recommendations.following_runs(connection, recommendation_id)
    answered = stored.answer["configurations"]
    return {
        "recommendation_id": str(stored.id),
        **stored.answer,
        "created_at": stored.created_at.isoformat().replace("+00:00", "Z"),
        "runs": [realised(run, answered) for run in following],
    }


def realised(run: FollowingRun, answered: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A run that followed an answer, beside what had been predicted for the configuration that it trained."""
    entry = _matching(run, answered)
    return {
        "id": str(run.id),
        "run_id": run.run_id,
        "state": run.state,
        "rank": entry and entry["rank"],
        "predicted": entry and entry["predicted"],
        "realised": {**run.metrics, **run.resources},
    }


def _matching(run: FollowingRun, answered: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The best-ranked answered configuration whose every value the run has."""
    trained = _identity({p: v for kind in INPUT_KINDS for p, v in flatten(kind, getattr(run, kind)).items()})
    for entry in answered:
        if _identity(flatten_configuration(entry["configuration"])).items() <= trained.items():
            return entry
    return None


def _identity(inputs: Mapping[str, JsonValue]) -> dict[str, str]:
    return {path: level_key(value) for path, value in inputs.items()}
