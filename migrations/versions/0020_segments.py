"""What folding runs into segments needs, beside the runs: how far a project is folded, what was deleted, an order.

No new table refers to projects, and runs are another migration's, so that nobody who posts has to wait for two tables.
"""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE run_folds (
    project_id bigint NOT NULL CONSTRAINT run_folds_pkey PRIMARY KEY,
    horizon xid8 NOT NULL DEFAULT '0'::xid8,
    cluster bigint NOT NULL
);
CREATE TABLE run_tombstones (
    project_id bigint NOT NULL,
    id uuid NOT NULL,
    folded boolean NOT NULL,
    CONSTRAINT run_tombstones_pkey PRIMARY KEY (project_id, id)
);
ALTER TABLE run_segments ADD COLUMN position bigint;
ALTER TABLE run_segments ALTER COLUMN content SET STORAGE EXTERNAL;
"""


def upgrade() -> None:
    _execute(TABLES)


def downgrade() -> None:
    _execute("ALTER TABLE run_segments DROP COLUMN position, ALTER COLUMN content SET STORAGE EXTENDED;")
    _execute("DROP TABLE run_folds, run_tombstones;")


def _execute(script: str) -> None:
    """Several statements as they stand: the driver's own call takes `%` and `:` literally."""
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute(script)
