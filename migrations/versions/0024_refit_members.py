"""Members of a refit that wait for whoever fits them: several workers share one refit."""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE refit_inputs (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT refit_inputs_pkey PRIMARY KEY,
    refit_id uuid NOT NULL CONSTRAINT refit_inputs_refit_id_fkey REFERENCES refits (id) ON DELETE CASCADE,
    content bytea NOT NULL
);
CREATE INDEX refit_inputs_refit_id_idx ON refit_inputs (refit_id);
ALTER TABLE refit_inputs ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE TABLE refit_members (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT refit_members_pkey PRIMARY KEY,
    refit_id uuid NOT NULL CONSTRAINT refit_members_refit_id_fkey REFERENCES refits (id) ON DELETE CASCADE,
    input_id bigint NOT NULL CONSTRAINT refit_members_input_id_fkey REFERENCES refit_inputs (id) ON DELETE CASCADE,
    state text NOT NULL DEFAULT 'waiting',
    heartbeat_at timestamptz,
    job bytea NOT NULL,
    content bytea,
    CONSTRAINT refit_members_state_check CHECK (state IN ('waiting', 'here', 'elsewhere', 'done'))
);
CREATE INDEX refit_members_refit_id_idx ON refit_members (refit_id);
CREATE INDEX refit_members_input_id_idx ON refit_members (input_id);
"""


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute(TABLES)


def downgrade() -> None:
    op.execute("DROP TABLE refit_members, refit_inputs")
