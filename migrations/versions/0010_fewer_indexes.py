"""Runs that did not complete get an index of their own; built beside whoever writes, however large the table is."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0003"
branch_labels = None
depends_on = None

NAME = "runs_uncompleted_idx"


def upgrade() -> None:
    with op.get_context().autocommit_block():  # the only way; what an attempt left that broke off is built anew
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}")
        op.execute(f"CREATE INDEX CONCURRENTLY {NAME} ON runs (project_id, state, id) WHERE state <> 'completed'")


def downgrade() -> None:
    op.execute(f"DROP INDEX {NAME}")
