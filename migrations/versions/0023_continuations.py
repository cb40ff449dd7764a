"""What a refit needs to learn on from the champion, and whether it did so or began anew."""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE continuations (
    meta_learner_id uuid NOT NULL CONSTRAINT continuations_pkey PRIMARY KEY
        CONSTRAINT continuations_meta_learner_id_fkey REFERENCES meta_learners (id) ON DELETE CASCADE,
    snapshot text NOT NULL,
    cluster bigint NOT NULL,
    n_runs integer NOT NULL,
    n_runs_at_full integer NOT NULL,
    n_increments integer NOT NULL,
    content bytea NOT NULL,
    checksum bytea NOT NULL
)
"""


def upgrade() -> None:
    op.execute(TABLE)
    op.execute("ALTER TABLE refits ADD COLUMN kind text, ADD COLUMN n_new_runs integer")
    op.execute("ALTER TABLE refits ADD CONSTRAINT refits_kind_check CHECK (kind IN ('full', 'incremental')) NOT VALID")
    op.execute("ALTER TABLE refits VALIDATE CONSTRAINT refits_kind_check")


def downgrade() -> None:
    op.execute("ALTER TABLE refits DROP COLUMN kind, DROP COLUMN n_new_runs")
    op.execute("DROP TABLE continuations")
