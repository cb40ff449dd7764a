"""Runs that are in no segment yet are found by the transaction that wrote them; built beside whoever writes."""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

NAME = "runs_tail_idx"


def upgrade() -> None:
    with op.get_context().autocommit_block():  # the only way; what an attempt left that broke off is built anew
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}")
        op.execute(f"CREATE INDEX CONCURRENTLY {NAME} ON runs (project_id, written) WHERE state <> 'running'")


def downgrade() -> None:
    op.execute(f"DROP INDEX {NAME}")
