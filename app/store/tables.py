"""Every table of the service, as SQLAlchemy Core metadata.

Ids that clients see are UUIDv7 made by the database: they sort by time of creation, which is what lists and cursors
are ordered by. What only joins (projects, datasets, segments) has a bigint. Times are `timestamptz`, set by the
database's clock. The queue's own tables (`procrastinate_*`) live beside these and belong to procrastinate.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.types import UserDefinedType


class XID8(UserDefinedType[int]):
    """A transaction's number, never used twice in the life of a cluster; read and written as text."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        return "XID8"


class PgSnapshot(UserDefinedType[str]):
    """Which transactions had ended at some moment, as text."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        return "PG_SNAPSHOT"


PGDialect.ischema_names["xid8"] = XID8  # to be known when a schema is read back


metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    }
)

RUN_STATES = ("completed", "failed", "running", "stopped")
REFIT_STATES = ("queued", "running", "succeeded", "failed")
AUDITED = ("key_created", "key_revoked", "meta_learner_promoted", "run_deleted")
REFIT_KINDS = ("full", "incremental")
REFIT_TRIGGERS = ("request", "new_runs", "periodic")


def _uuid() -> Column[Any]:
    return Column("id", Uuid, primary_key=True, server_default=text("uuidv7()"))


def _bigint() -> Column[Any]:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def _project() -> Column[Any]:
    return Column("project_id", BigInteger, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False)


def _time(name: str, *, now: bool = False) -> Column[Any]:
    default = text("now()") if now else None
    return Column(name, DateTime(timezone=True), nullable=not now, server_default=default)


def _json(name: str, default: str | None = None) -> Column[Any]:
    """A JSON column: required if it has a default, else null where there is nothing to say (never JSON null)."""
    server_default = text(f"'{default}'::jsonb") if default else None
    return Column(name, JSONB(none_as_null=True), nullable=default is None, server_default=server_default)


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(map(repr, values))})", name=column)


projects = Table(
    "projects",
    metadata,
    _bigint(),
    Column("name", Text, nullable=False, unique=True),
    _json("objectives", "[]"),
    _json("refit_policy", "{}"),
    _json("retention", "{}"),
    # The serving meta-learner; the two tables point at each other, so this key is added after both exist.
    Column("champion_id", Uuid, ForeignKey("meta_learners.id", ondelete="SET NULL", use_alter=True)),
    _time("created_at", now=True),
    _time("updated_at", now=True),
    CheckConstraint("jsonb_typeof(objectives) = 'array'", name="objectives"),
    CheckConstraint("jsonb_typeof(refit_policy) = 'object'", name="refit_policy"),
    CheckConstraint("jsonb_typeof(retention) = 'object'", name="retention"),
)

datasets = Table(
    "datasets",
    metadata,
    _bigint(),
    _project(),
    Column("name", Text, nullable=False),
    _json("meta_features", "{}"),
    _time("created_at", now=True),
    _time("updated_at", now=True),
    UniqueConstraint("project_id", "name"),
    CheckConstraint("jsonb_typeof(meta_features) = 'object'", name="meta_features"),
)

# Runs of a project as columns, written by workers (see segments.py) and never changed.
run_segments = Table(
    "run_segments",
    metadata,
    _bigint(),
    _project(),
    Column("n_runs", Integer, nullable=False),
    Column("n_bytes", BigInteger, nullable=False),
    Column("checksum", LargeBinary, nullable=False),
    Column("content", LargeBinary, nullable=False),
    _time("created_at", now=True),
    Column("position", BigInteger),  # of one that replaces others: that of the last of them; null: its id
    Index(None, "project_id", "id"),
)

# Up to which transaction the runs of a project are in its segments; a row is also the lock of whoever changes them.
run_folds = Table(
    "run_folds",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("horizon", XID8, nullable=False, server_default=text("'0'::xid8")),
    Column("cluster", BigInteger, nullable=False),  # transactions are numbered by the cluster that a backup leaves
)

# Runs that were deleted and may still be in a segment; written by a trigger, without a key to runs for that reason.
run_tombstones = Table(
    "run_tombstones",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Uuid, primary_key=True),
    Column("folded", Boolean, nullable=False),
)

# Every run pays for what stands here. Projects and datasets are never deleted, so there are no keys to them.
runs = Table(
    "runs",
    metadata,
    _uuid(),
    Column("project_id", BigInteger, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("dataset_id", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    _json("hyperparameters", "{}"),
    _json("architecture", "{}"),
    _json("environment", "{}"),
    _json("fidelity", "{}"),
    _json("metrics", "{}"),
    _json("resources", "{}"),
    _json("tags", "{}"),
    _json("learning_curve", "[]"),
    Column("recommendation_id", Uuid, ForeignKey("recommendations.id", ondelete="SET NULL")),
    _time("started_at"),
    _time("finished_at"),
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of the canonical JSON of the body as accepted
    Column("segment_id", BigInteger, ForeignKey("run_segments.id", ondelete="SET NULL")),  # not used any more
    # The transaction that wrote it last: a default on insert, a trigger on update.
    Column("written", XID8, nullable=False, server_default=text("pg_current_xact_id()")),
    _time("created_at", now=True),
    _time("updated_at", now=True),
    UniqueConstraint("project_id", "run_id"),
    _one_of("state", RUN_STATES),
    CheckConstraint("octet_length(digest) = 32", name="digest"),
)
# Lists page backwards by id (newest first); b-trees are read in either direction.
Index(None, runs.c.project_id, runs.c.id)
Index(None, runs.c.dataset_id, runs.c.id)
# Few runs do not complete: those that do are found without an index of their own.
Index(
    "runs_uncompleted_idx",
    runs.c.project_id,
    runs.c.state,
    runs.c.id,
    postgresql_where=runs.c.state != text("'completed'"),
)
Index(
    "runs_recommendation_id_idx",
    runs.c.recommendation_id,
    runs.c.id,
    postgresql_where=runs.c.recommendation_id.is_not(None),
)
# What is not in a segment yet.
Index("runs_tail_idx", runs.c.project_id, runs.c.written, postgresql_where=runs.c.state != text("'running'"))
Index("runs_segment_id_idx", runs.c.segment_id, postgresql_where=runs.c.segment_id.is_not(None))

meta_learners = Table(
    "meta_learners",
    metadata,
    _uuid(),
    _project(),
    Column("version", Integer, nullable=False),
    Column("n_runs", Integer, nullable=False),
    Column("n_datasets", Integer, nullable=False),
    _time("fitted_at", now=True),
    Column("content", LargeBinary, nullable=False),  # the bundle
    Column("checksum", LargeBinary, nullable=False),  # its SHA-256
    Column("format_version", Integer, nullable=False),
    _json("report", "{}"),
    _json("verdict", "{}"),
    UniqueConstraint("project_id", "version"),
    CheckConstraint("version > 0", name="version"),
    CheckConstraint("octet_length(checksum) = 32", name="checksum"),
)

# What a refit needs to learn on from a meta-learner: see continuations.py.
continuations = Table(
    "continuations",
    metadata,
    Column("meta_learner_id", Uuid, ForeignKey("meta_learners.id", ondelete="CASCADE"), primary_key=True),
    Column("snapshot", Text, nullable=False),
    Column("cluster", BigInteger, nullable=False),
    Column("n_runs", Integer, nullable=False),
    Column("n_runs_at_full", Integer, nullable=False),
    Column("n_increments", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("checksum", LargeBinary, nullable=False),
)

recommendations = Table(
    "recommendations",
    metadata,
    _uuid(),
    _project(),
    Column("dataset", Text, nullable=False),  # by name: an unknown dataset may be asked about and is not created
    Column("meta_learner_id", Uuid, ForeignKey("meta_learners.id", ondelete="SET NULL")),
    _json("request", "{}"),
    _json("answer", "{}"),
    _time("created_at", now=True),
    Index(None, "project_id", "id"),
    Index(None, "meta_learner_id"),
)

# Measured by workers now and then, so that nobody has to count at a request; it may be lost.
project_health = Table(
    "project_health",
    metadata,
    Column("project_id", BigInteger, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    _time("measured_at", now=True),
    Column("n_runs", Integer, nullable=False),  # finished ones
    _time("last_run_at"),
    _json("intervals", "{}"),
    CheckConstraint("jsonb_typeof(intervals) = 'object'", name="intervals"),
)

refits = Table(
    "refits",
    metadata,
    _uuid(),
    _project(),
    Column("state", Text, nullable=False, server_default=text("'queued'")),
    Column("trigger", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),  # also the fence: see refits.py
    _time("queued_at", now=True),
    _time("started_at"),
    _time("finished_at"),
    _time("heartbeat_at"),
    Column("n_runs", Integer),  # finished runs of the project when it was started
    Column("meta_learner_id", Uuid, ForeignKey("meta_learners.id", ondelete="SET NULL")),
    _json("verdict"),
    Column("error", Text),
    _json("progress"),
    Column("kind", Text),  # null until it has begun
    Column("n_new_runs", Integer),
    _one_of("state", REFIT_STATES),
    _one_of("kind", REFIT_KINDS),
    _one_of("trigger", REFIT_TRIGGERS),
    CheckConstraint("state <> 'running' OR (started_at IS NOT NULL AND heartbeat_at IS NOT NULL)", name="running"),
    CheckConstraint("(state IN ('succeeded', 'failed')) = (finished_at IS NOT NULL)", name="finished"),
    CheckConstraint("(state = 'failed') = (error IS NOT NULL)", name="failed"),
)
Index(None, refits.c.project_id, refits.c.id)
Index(None, refits.c.meta_learner_id)
# One new refit waits, whoever asks; one that was begun and handed back may wait beside it.
Index(
    "refits_one_queued_idx",
    refits.c.project_id,
    unique=True,
    postgresql_where=(refits.c.state == text("'queued'")) & (refits.c.attempts == text("0")),
)
Index("refits_one_running_idx", refits.c.project_id, unique=True, postgresql_where=refits.c.state == text("'running'"))

# Members that wait to be fitted, and what they are fitted to: see members.py.
refit_inputs = Table(
    "refit_inputs",
    metadata,
    _bigint(),
    Column("refit_id", Uuid, ForeignKey("refits.id", ondelete="CASCADE"), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Index(None, "refit_id"),
)
refit_members = Table(
    "refit_members",
    metadata,
    _bigint(),
    Column("refit_id", Uuid, ForeignKey("refits.id", ondelete="CASCADE"), nullable=False),
    Column("input_id", BigInteger, ForeignKey("refit_inputs.id", ondelete="CASCADE"), nullable=False),
    Column("state", Text, nullable=False, server_default=text("'waiting'")),
    _time("heartbeat_at"),
    Column("job", LargeBinary, nullable=False),
    Column("content", LargeBinary),
    _one_of("state", ("waiting", "here", "elsewhere", "done")),
    Index(None, "refit_id"),
    Index(None, "input_id"),
)

# Append-only: a trigger refuses to change, delete or truncate. Without foreign keys, for it outlives what it tells of.
audit = Table(
    "audit",
    metadata,
    _uuid(),
    _time("at", now=True),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("project", Text),
    _json("details", "{}"),
    _one_of("what", AUDITED),
)

keys = Table(
    "keys",
    metadata,
    _uuid(),
    Column("project_ids", ARRAY(BigInteger)),  # null: every project
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False, unique=True),  # the part that may be shown, and that finds the row
    Column("hash", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    _time("created_at", now=True),
    _time("expires_at"),
    _time("revoked_at"),
    _time("last_used_at"),
)
