"""Refits: the truth about each, whatever becomes of the worker that runs it.

    queued ──start──▶ running ──succeed──▶ succeeded
       ▲                │└───────fail────▶ failed
       └─give_back──────┤                    ▲
       └─recover────────┴─(no attempt left)──┘

A row is the truth; the jobs of the queue (`jobs.py`) are bells that make somebody look at it. `start` gives an
`Attempt`, numbered within its refit. The number is the fence: every later write names it and changes nothing once the
refit was given to somebody else, so that a worker that was frozen and wakes up late does no harm. Leases are judged by
the database's clock alone. At most one refit of a project runs; requests are merged while one waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import Exists, Select, and_, case, exists, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.errors import NotFound
from app.store import segments
from app.store.reach import Reach, within
from app.store.tables import projects, refits

Kind: TypeAlias = Literal["full", "incremental"]
Trigger: TypeAlias = Literal["request", "new_runs", "periodic"]
GAVE_UP = "given up: the worker died or went silent on every one of {} attempts"
_QUEUED = refits.c.state == text("'queued'")
_RUNNING = refits.c.state == text("'running'")


@dataclass(frozen=True, slots=True)
class Refit:
    """A refit as stored."""

    id: UUID
    project: str
    state: str
    trigger: str
    attempts: int
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    heartbeat_at: datetime | None
    n_runs: int | None
    meta_learner_id: UUID | None
    verdict: dict[str, Any] | None
    error: str | None
    progress: dict[str, Any] | None
    kind: str | None
    n_new_runs: int | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """The right to run a refit, until it is finished, handed back or lost."""

    refit_id: UUID
    project_id: int
    number: int


class LeaseLost(Exception):
    """The refit is no longer ours; whatever was computed is dropped."""


async def request(connection: AsyncConnection, project_id: int, trigger: Trigger) -> Refit:
    """The project's queued refit: the one that waits already, else a new one."""
    waiting = select(refits.c.id).where(refits.c.project_id == project_id, _QUEUED).order_by(refits.c.id).limit(1)
    fresh = insert(refits).values(project_id=project_id, trigger=trigger).on_conflict_do_nothing()
    refit_id = None
    while refit_id is None:  # a waiting one may be started between the two statements
        refit_id = await connection.scalar(waiting)
        refit_id = refit_id or await connection.scalar(fresh.returning(refits.c.id))
    return await get(connection, refit_id)


async def get(connection: AsyncConnection, refit_id: UUID, reach: Reach = None) -> Refit:
    """Raises: NotFound."""
    statement = _select().where(refits.c.id == refit_id, within(refits.c.project_id, reach))
    row = (await connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no refit {refit_id}")
    return Refit(**row)


async def list_page(
    connection: AsyncConnection, project_id: int, limit: int, before: UUID | None = None
) -> list[Refit]:
    """At most `limit` refits of a project, newest first, those before the id `before`."""
    statement = _select().where(refits.c.project_id == project_id)
    if before is not None:
        statement = statement.where(refits.c.id < before)
    rows = await connection.execute(statement.order_by(refits.c.id.desc()).limit(limit))
    return [Refit(**row) for row in rows.mappings()]


async def start(connection: AsyncConnection, refit_id: UUID) -> Attempt | None:
    """Take a queued refit; None when it is not queued (any more) or another one of its project runs."""
    project_id = await connection.scalar(select(refits.c.project_id).where(refits.c.id == refit_id, _QUEUED))
    values = {
        "state": "running",
        "attempts": refits.c.attempts + 1,
        "started_at": func.now(),
        "heartbeat_at": func.now(),
        "n_runs": await segments.n_runs(connection, project_id) if project_id else None,
    }
    statement = update(refits).where(refits.c.id == refit_id, _QUEUED, ~_busy()).values(values)
    try:
        async with connection.begin_nested():
            taken = await connection.execute(statement.returning(refits.c.project_id, refits.c.attempts))
            row = taken.one_or_none()
    except IntegrityError:  # another one of the project was started at the same moment
        return None
    return None if row is None else Attempt(refit_id, row.project_id, row.attempts)


async def describe(connection: AsyncConnection, attempt: Attempt, kind: Kind, n_runs: int, n_new_runs: int) -> None:
    """Tell what it turned out to be. Raises: LeaseLost."""
    await _change(connection, attempt, kind=kind, n_runs=n_runs, n_new_runs=n_new_runs)


async def report_progress(connection: AsyncConnection, attempt: Attempt, progress: dict[str, Any]) -> None:
    """The heartbeat: keep the lease, and tell how far it is. Raises: LeaseLost."""
    await _change(connection, attempt, heartbeat_at=func.now(), progress=progress)


async def vouch(connection: AsyncConnection, attempt: Attempt) -> bool:
    """Keep the lease for one that is still starting; False once it keeps it by itself, or has it no more."""
    starting = [refits.c.id == attempt.refit_id, refits.c.attempts == attempt.number, _RUNNING]
    statement = update(refits).where(*starting, refits.c.progress.is_(None)).values(heartbeat_at=func.now())
    return (await connection.execute(statement)).rowcount > 0


async def succeed(
    connection: AsyncConnection, attempt: Attempt, meta_learner_id: UUID, verdict: dict[str, Any]
) -> None:
    """Raises: LeaseLost; then the caller's whole transaction must be rolled back."""
    finished = {"state": "succeeded", "finished_at": func.now(), "progress": None}
    await _change(connection, attempt, meta_learner_id=meta_learner_id, verdict=verdict, **finished)


async def fail(connection: AsyncConnection, attempt: Attempt, error: str) -> None:
    """Raises: LeaseLost."""
    await _change(connection, attempt, state="failed", finished_at=func.now(), progress=None, error=error)


async def give_back(connection: AsyncConnection, attempt: Attempt, max_attempts: int) -> None:
    """Queue it again, for another worker; give it up when this was the last attempt. Raises: LeaseLost."""
    await _change(connection, attempt, **_returned(max_attempts))


async def recover(connection: AsyncConnection, lease_seconds: float, max_attempts: int) -> list[Refit]:
    """Queue the refits whose workers went silent again, or give them up; gives what was changed."""
    silent = refits.c.heartbeat_at < func.now() - func.make_interval(0, 0, 0, 0, 0, 0, lease_seconds)
    statement = update(refits).where(_RUNNING, silent).values(_returned(max_attempts)).returning(refits.c.id)
    changed = list((await connection.execute(statement)).scalars())
    return [await get(connection, refit_id) for refit_id in changed]


async def startable(connection: AsyncConnection) -> list[UUID]:
    """The queued refits of projects in which none runs, oldest first."""
    statement = select(refits.c.id).where(_QUEUED, ~_busy()).order_by(refits.c.id)
    return list((await connection.execute(statement)).scalars())


async def unfinished(connection: AsyncConnection, project_id: int) -> Sequence[UUID]:
    """The project's queued and running refits, oldest first."""
    statement = select(refits.c.id).where(refits.c.project_id == project_id, or_(_QUEUED, _RUNNING))
    return list((await connection.execute(statement.order_by(refits.c.id))).scalars())


async def n_runs_at_last(connection: AsyncConnection, project_id: int) -> int | None:
    """How many runs the project's last finished refit saw, whether or not it succeeded; None: there was no refit."""
    known = and_(refits.c.project_id == project_id, refits.c.finished_at.is_not(None), refits.c.n_runs.is_not(None))
    return await connection.scalar(select(refits.c.n_runs).where(known).order_by(refits.c.finished_at.desc()).limit(1))


def _busy() -> Exists:
    """Whether another refit of the same project runs."""
    other = refits.alias()
    return exists().where(other.c.project_id == refits.c.project_id, other.c.state == text("'running'"))


def _returned(max_attempts: int) -> dict[str, Any]:
    exhausted = refits.c.attempts >= max_attempts
    return {
        "state": case((exhausted, "failed"), else_="queued"),
        "finished_at": case((exhausted, func.now())),
        "error": case((exhausted, GAVE_UP.format(max_attempts))),
        "progress": None,
    }


async def count_by_state(connection: AsyncConnection) -> dict[str, int]:
    """How many refits there are in each state, over all projects."""
    rows = await connection.execute(select(refits.c.state, func.count().label("n")).group_by(refits.c.state))
    return {row.state: row.n for row in rows}


async def _change(connection: AsyncConnection, attempt: Attempt, **values: Any) -> None:
    ours = [refits.c.id == attempt.refit_id, refits.c.attempts == attempt.number, _RUNNING]
    if (await connection.execute(update(refits).where(*ours).values(**values))).rowcount == 0:
        raise LeaseLost(f"refit {attempt.refit_id} is no longer run by attempt {attempt.number}")


def _select() -> Select[Any]:
    columns = [column for column in refits.c if column.name != "project_id"]
    return select(projects.c.name.label("project"), *columns).join_from(
        refits, projects, refits.c.project_id == projects.c.id
    )
