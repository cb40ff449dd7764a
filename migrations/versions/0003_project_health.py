"""How each project stands, as a worker measured it last: what metrics and answers show without counting anew."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE project_health (
    project_id bigint NOT NULL CONSTRAINT project_health_pkey PRIMARY KEY
        CONSTRAINT project_health_project_id_fkey REFERENCES projects (id) ON DELETE CASCADE,
    measured_at timestamptz NOT NULL DEFAULT now(),
    n_runs integer NOT NULL,
    last_run_at timestamptz,
    intervals jsonb NOT NULL DEFAULT '{}'::jsonb,
    CONSTRAINT project_health_intervals_check CHECK (jsonb_typeof(intervals) = 'object')
)
"""


def upgrade() -> None:
    op.execute(TABLE)


def downgrade() -> None:
    op.execute("DROP TABLE project_health")
