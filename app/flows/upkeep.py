"""When a project is refitted, and what is set right when a worker dies. Every function may run anywhere, any time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from app.config import Settings
from app.errors import NotFound
from app.flows.feedback import realised
from app.learn.coverage import coverage
from app.store import continuations, health, jobs, members, projects, refits, retention, segments
from app.store.database import AsyncConnection, Database
from app.store.refits import Refit, Trigger

log = logging.getLogger(__name__)

FOLD_FROM: Final = 5_000
"""Runs in no segment from which a project is folded without waiting for its next full refit: seconds to read."""
DAY_SECONDS: Final = 86_400.0


async def request_refit(connection: AsyncConnection, project_name: str) -> Refit:
    """Have a project refitted now, whether or not there is anything new. Raises: NotFound."""
    project = await projects.get(connection, project_name)
    return await _queue(connection, project.id, "request")


async def consider(database: Database, project_id: int, settings: Settings, trigger: Trigger) -> UUID | None:
    """Queue a refit if the project's policy asks for one by now."""
    async with database.transaction() as connection:
        await jobs.runs_are_in(connection, project_id)
    async with database.transaction() as connection:
        try:
            project = await projects.get_by_id(connection, project_id)
        except NotFound:
            return None  # deleted since
        if not project.refit_policy.get("automatic", True):
            return None
        if await refits.unfinished(connection, project_id):
            return None  # when it ends, the project is considered again
        now = await projects.n_terminal_runs(connection, project_id)
        before = await refits.n_runs_at_last(connection, project_id)
        continues = await continuations.of_champion(connection, project_id) is not None
        if not is_due(now, before, project.refit_policy, settings, continues=continues):
            return None
        return (await _queue(connection, project_id, trigger)).id


def is_due(
    n_runs: int, n_runs_before: int | None, policy: Mapping[str, Any], settings: Settings, *, continues: bool = False
) -> bool:
    """Whether there is enough to learn that the last refit did not see; deleted runs are a change like new ones.

    `continues`: the champion can learn on from new runs alone, which is cheap, and so comes sooner.
    """
    if n_runs_before is None:
        return n_runs >= settings.refit_first_runs
    fewest = policy.get("min_new_runs") or settings.refit_min_new_runs
    fraction = settings.refit_min_new_fraction
    if continues:
        fraction = min(fraction, settings.refit_increment_fraction)
    return abs(n_runs - n_runs_before) >= max(fewest, fraction * n_runs_before)


async def measure(database: Database, project_id: int) -> None:
    """Bring up to date how a project stands: how much there is to learn from, and whether its intervals hold."""
    async with database.snapshot() as connection:
        n_runs = await projects.n_terminal_runs(connection, project_id)
        last_run_at = await health.last_run_at(connection, project_id)
        followed = await health.followed(connection, project_id)
    found = await asyncio.to_thread(coverage, [realised(each.run, each.answered) for each in followed])
    intervals = {
        name: {"n": of.n, "inside": of.inside, "below": of.below, "above": of.above, "drifting": of.drifting}
        for name, of in sorted(found.items())
    }
    async with database.transaction() as connection:
        if await projects.exists(connection, project_id):
            await health.put(connection, project_id, n_runs, last_run_at, intervals)


async def consider_all(database: Database, settings: Settings) -> None:
    """Consider every project: what a lost job left undone is found here at the latest."""
    async with database.transaction() as connection:
        project_ids = [project.id for project in await projects.list_all(connection)]
    for project_id in project_ids:
        await consider(database, project_id, settings, "periodic")
        await measure(database, project_id)


async def untidy(database: Database) -> list[int]:
    """The projects with many runs in no segment, or with rows that need not be kept any longer."""
    found = []
    async with database.snapshot() as connection:
        for project in await projects.list_all(connection):
            policy = retention_of(project)
            many = await segments.tail_reaches(connection, project.id, FOLD_FROM)
            if many or (policy and await retention.any_expired(connection, project.id, *policy)):
                found.append(project.id)
    return found


def retention_of(project: projects.Project) -> tuple[float, int] | None:
    """Seconds for which a raw run is kept, and how many of a dataset are kept longer; None: all, for ever."""
    days = project.retention.get("keep_raw_days")
    return None if days is None else (DAY_SECONDS * days, project.retention["keep_latest"])


async def recover(database: Database, settings: Settings) -> None:
    """Queue the refits of silent workers again, or give them up; ring for every refit that could start."""
    async with database.transaction() as connection:
        lease, attempts = settings.refit_lease_seconds, settings.refit_max_attempts
        for refit in await refits.recover(connection, lease, attempts):
            log.warning("refit %s of project %r had gone silent and is %s", refit.id, refit.project, refit.state)
        await members.clear_ended(connection)
        for refit_id in await refits.startable(connection):
            await jobs.ring_for_refit(connection, refit_id)


async def follow_up(database: Database, project_id: int, settings: Settings) -> None:
    """After a refit: start the next one of its project, and consider what was posted meanwhile."""
    async with database.transaction() as connection:
        for refit_id in await refits.unfinished(connection, project_id):
            await jobs.ring_for_refit(connection, refit_id)
        await jobs.ring_for_runs(connection, [project_id], settings.refit_delay_seconds)


async def _queue(connection: AsyncConnection, project_id: int, trigger: Trigger) -> Refit:
    refit = await refits.request(connection, project_id, trigger)
    await jobs.ring_for_refit(connection, refit.id)
    return refit
