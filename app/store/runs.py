"""Runs as they are stored: read one by one, in pages or as a history; amended while they run; deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Row, Select, case, cast, delete, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import JSONB

from app.errors import NotFound, RunFinished
from app.store import audit, cursors, documents
from app.store.database import AsyncConnection
from app.store.reach import Reach, within
from app.store.tables import PgSnapshot, datasets, projects, runs
from app.types import INPUT_KINDS, CurvePoint, DatasetReference, PastRun, Run, RunPatch, State, StoredRun

_CHUNK: Final = 1_000
"""Rows that a history holds in memory at a time, besides those it has given out."""

_PAGE_BYTES: Final = 16 * 2**20
_PAGE_CHUNK: Final = 25
"""Rows that a page reads at a time, so that it stops soon after it has grown too large."""

_DOCUMENTS: Final = (*INPUT_KINDS, "metrics", "resources", "tags", "learning_curve")
_TIMES: Final = ("started_at", "finished_at", "created_at", "updated_at")
_SMALL: Final = [
    runs.c[name]
    for name in ("id", "run_id", "state", *INPUT_KINDS, "metrics", "resources", "recommendation_id", *_TIMES)
]
_FINISHED_AT: Final[ColumnElement[float]] = literal_column(
    "extract(epoch FROM coalesce(runs.finished_at, runs.created_at))::float8"
)
_REACHED: Final = case(
    (runs.c.state == literal_column("'stopped'"), runs.c.learning_curve), else_=literal_column("'[]'::jsonb")
).label("learning_curve")
"""What a history needs of the curves: how far the stopped runs came."""
_PAST: Final = [
    func.uuid_send(runs.c.id),
    datasets.c.name,
    *(runs.c[name] for name in ("state", *INPUT_KINDS, "metrics", "resources")),
    _REACHED,
    _FINISHED_AT,
]
"""As the fields of `PastRun`."""
_NO_CURVE: Final = literal_column("'[]'::jsonb", JSONB).label("learning_curve")
_NAMES: Final = [projects.c.name.label("project"), datasets.c.name.label("dataset")]


# ---------------------------------------------------------------- one


async def get(connection: AsyncConnection, run: UUID, reach: Reach = None) -> StoredRun:
    """Raises: NotFound."""
    return _whole(await _row(connection, _wholes().where(*_one(run, reach)), run))


def _one(run: UUID, reach: Reach) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return runs.c.id == run, within(runs.c.project_id, reach)


async def remove(connection: AsyncConnection, run: UUID, reach: Reach = None, who: str = audit.LOCAL) -> None:
    """Forget a run; a trigger leaves a tombstone for the segment that it was folded into. Raises: NotFound."""
    project = select(projects.c.name).where(projects.c.id == runs.c.project_id).scalar_subquery().label("project")
    deleted = delete(runs).where(*_one(run, reach)).returning(runs.c.run_id, project)
    row = await _row(connection, deleted, run)
    await audit.add(connection, who, "run_deleted", run, row.project, run_id=row.run_id)


# ---------------------------------------------------------------- amended


class Amendment(NamedTuple):
    """What a caller who reaches so far wants to add to a run."""

    run: UUID
    patch: RunPatch
    reach: Reach = None


@dataclass(frozen=True, slots=True)
class Amended:
    """A run after a patch, and whether that patch ended it."""

    run: StoredRun
    project_id: int
    ended: bool


_AMEND: Final = text("""
    UPDATE runs SET state = given.state, metrics = given.metrics, resources = given.resources,
        learning_curve = given.learning_curve, finished_at = given.finished_at, updated_at = now()
    FROM jsonb_to_recordset(CAST(:given AS jsonb)) AS given(
        id uuid, state text, metrics jsonb, resources jsonb, learning_curve jsonb, finished_at timestamptz
    ) WHERE runs.id = given.id
""")


async def amend(connection: AsyncConnection, amendments: Sequence[Amendment]) -> list[Amended | Exception]:
    """Add what was measured to running runs, and end those whose patches say so; what became of each, in order.

    The same patch again changes nothing and is not refused, so that it may be retried. In place of what was not done
    stands why: NotFound; RunFinished for one that would change a finished run; pydantic.ValidationError. Any number of
    callers may amend the same runs at once: rows are locked in the order of their ids.
    """
    ids = {amendment.run for amendment in amendments}
    locked = _wholes().where(runs.c.id.in_(ids)).order_by(runs.c.id).with_for_update(of=runs)
    rows = {row.id: _Amending.of(row) for row in await connection.execute(locked)}
    ended = [_amend_one(rows, amendment) for amendment in amendments]
    changed = [id_ for id_, row in rows.items() if row.now is not row.stored.run]
    if changed:
        given = [{"id": str(id_), **_changed(rows[id_].now)} for id_ in changed]
        await connection.execute(_AMEND, {"given": documents.dumps(given)})
        rows |= {row.id: _Amending.of(row) for row in await connection.execute(_wholes().where(runs.c.id.in_(changed)))}
    return [
        what if isinstance(what, Exception) else Amended(rows[run].stored, rows[run].project_id, what)
        for (run, *_), what in zip(amendments, ended, strict=True)
    ]


@dataclass(slots=True)
class _Amending:
    """A run as it is stored, and as it is to be."""

    stored: StoredRun
    project_id: int
    now: Run

    @classmethod
    def of(cls, row: Row[Any]) -> _Amending:
        stored = _whole(row)
        return cls(stored, row.project_id, stored.run)


def _amend_one(rows: Mapping[UUID, _Amending], amendment: Amendment) -> bool | Exception:
    """Whether it ended the run, or why it cannot be."""
    row = rows.get(amendment.run)
    if row is None or (amendment.reach is not None and row.project_id not in amendment.reach):
        return _no_run(amendment.run)
    try:
        after = _patched(row.now, amendment.patch)
    except ValidationError as error:
        return error
    if after == row.now:
        return False
    if row.now.state != "running":
        return RunFinished(f"the run is {row.now.state}; only a running run can change")
    row.now = after
    return after.state != "running"


def _patched(run: Run, patch: RunPatch) -> Run:
    """Targets are merged, the new value of each counts; curve points are appended, but none that is there already."""
    known = {_point_key(point) for point in run.learning_curve}
    new = [point for point in patch.learning_curve if _point_key(point) not in known]
    fields = {name: getattr(run, name) for name in Run.model_fields}
    fields |= {
        "state": patch.state or run.state,
        "metrics": run.metrics | patch.metrics,
        "resources": run.resources | patch.resources,
        "learning_curve": run.learning_curve + new,
        "finished_at": patch.finished_at or run.finished_at,
    }
    return Run.model_validate(fields)


def _point_key(point: CurvePoint) -> tuple[float, frozenset[tuple[str, float]]]:
    return point.step, frozenset(point.metrics.items())


def _changed(run: Run) -> dict[str, Any]:
    return run.model_dump(include={"state", "metrics", "resources", "learning_curve", "finished_at"})


def _no_run(run: UUID) -> NotFound:
    return NotFound(f"there is no run {run}")


async def _row(connection: AsyncConnection, statement: Any, run: UUID) -> Row[Any]:
    row: Row[Any] | None = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise _no_run(run)
    return row


# ---------------------------------------------------------------- many


async def page(
    connection: AsyncConnection,
    *,
    project: str | None = None,
    dataset: str | None = None,
    state: State | None = None,
    cursor: str | None = None,
    limit: int = 100,
    curves: bool = True,
    reach: Reach = None,
) -> tuple[list[StoredRun], str | None]:
    """Runs, newest first, and where the next page begins. Raises: InvalidCursor.

    Fewer than `limit` where they are very large: what a page holds in memory is bounded, however long the curves are.
    Without `curves`, learning curves are left empty, and never read.
    """
    query = _wholes(curves=curves).where(within(runs.c.project_id, reach)).order_by(runs.c.id.desc()).limit(limit + 1)
    if cursor is not None:
        query = query.where(runs.c.id < cursors.read_uuid(cursor))
    if state is not None:
        query = query.where(runs.c.state == literal_column(f"'{state}'"))  # a literal: runs_uncompleted_idx is chosen
    if dataset is not None or project is not None:
        query = await _of(connection, query, project, dataset)
    found: list[StoredRun] = []
    n_bytes = 0
    async with connection.stream(query, execution_options={"yield_per": _PAGE_CHUNK}) as rows:
        async for row in rows:
            if len(found) == limit or n_bytes > _PAGE_BYTES:
                return found, cursors.after_uuid(found[-1].id)
            found.append(_whole(row))
            n_bytes += sum(len(documents.dumps(getattr(row, name))) for name in _DOCUMENTS)
    return found, None


async def _of(connection: AsyncConnection, query: Select[Any], project: str | None, dataset: str | None) -> Select[Any]:
    """Narrowed by ids rather than names: PostgreSQL then walks the index that has the order asked for."""
    if dataset is None:
        return query.where(runs.c.project_id == await _project_id(connection, project))
    found = select(datasets.c.id).where(datasets.c.name == dataset)
    if project is not None:
        found = found.where(datasets.c.project_id == await _project_id(connection, project))
    return query.where(runs.c.dataset_id.in_((await connection.execute(found)).scalars().all()))


async def _project_id(connection: AsyncConnection, project: str | None) -> int | None:
    return await connection.scalar(select(projects.c.id).where(projects.c.name == project))


async def history(
    connection: AsyncConnection, project_id: int, since: int = 0, until: int | None = None, unseen_in: str | None = None
) -> AsyncIterator[PastRun]:
    """The finished runs of a project, oldest first, streamed, without tags, meta-features and completed curves.

    Meta-features belong to datasets: `datasets.meta_features` gives them once.
    `since`, `until`: only what was written by these transactions, the last one excluded (see `segments`).
    `unseen_in`: only what was written by transactions that a snapshot does not see (see `continuations`).
    """
    finished = [runs.c.project_id == project_id, runs.c.state != text("'running'"), runs.c.written >= str(since)]
    if until is not None:
        finished.append(runs.c.written < str(until))
    if unseen_in is not None:
        snapshot = cast(unseen_in, PgSnapshot)
        finished.append(runs.c.written >= func.pg_snapshot_xmin(snapshot))
        finished.append(~func.pg_visible_in_snapshot(runs.c.written, snapshot))
    query = select(*_PAST).join_from(runs, datasets, runs.c.dataset_id == datasets.c.id)
    query = query.where(*finished).order_by(runs.c.id)
    async with connection.stream(query, execution_options={"yield_per": _CHUNK}) as rows:
        async for part in rows.partitions():
            for row in part:
                run = PastRun._make(row)
                curve = [CurvePoint.model_construct(**point) for point in run.learning_curve]  # type: ignore[arg-type]  # as it is stored
                yield run._replace(learning_curve=curve) if curve else run


async def of_dataset(
    connection: AsyncConnection, project_id: int, dataset: str, latest: int | None = None
) -> list[StoredRun]:
    """The runs of one dataset, also those that are still running, oldest first: all, or the latest so many."""
    query = _select(*_SMALL, _REACHED, *_NAMES).where(runs.c.project_id == project_id, datasets.c.name == dataset)
    rows = (await connection.execute(query.order_by(runs.c.id.desc()).limit(latest))).all()
    references: dict[str, DatasetReference] = {}
    return [_small(row, references) for row in reversed(rows)]


# ---------------------------------------------------------------- rows


def _select(*columns: Any) -> Select[Any]:
    of_project = runs.c.project_id == projects.c.id
    return select(*columns).select_from(
        runs.join(datasets, runs.c.dataset_id == datasets.c.id).join(projects, of_project)
    )


def _wholes(*, curves: bool = True) -> Select[Any]:
    curve = runs.c.learning_curve if curves else _NO_CURVE
    return _select(*_SMALL, runs.c.tags, curve, *_NAMES, datasets.c.meta_features, runs.c.project_id)


def _whole(row: Row[Any]) -> StoredRun:
    reference = DatasetReference.model_construct(name=row.dataset, meta_features=row.meta_features)
    return _stored(row, dataset=reference, tags=row.tags)


def _small(row: Row[Any], references: dict[str, DatasetReference]) -> StoredRun:
    """`references` holds one for each dataset, however many runs it has."""
    if (reference := references.get(row.dataset)) is None:
        reference = references[row.dataset] = DatasetReference.model_construct(name=row.dataset)
    return _stored(row, dataset=reference)


def _stored(row: Row[Any], **others: Any) -> StoredRun:
    """Built without validating again: what is stored was valid when it came in."""
    run = Run.model_construct(
        project=row.project,
        run_id=row.run_id,
        state=row.state,
        hyperparameters=row.hyperparameters,
        architecture=row.architecture,
        environment=row.environment,
        fidelity=row.fidelity,
        metrics=row.metrics,
        resources=row.resources,
        recommendation_id=row.recommendation_id,
        started_at=row.started_at,
        finished_at=row.finished_at,
        learning_curve=[CurvePoint.model_construct(**point) for point in row.learning_curve],
        **others,
    )
    return StoredRun(row.id, run, row.created_at, row.updated_at)
