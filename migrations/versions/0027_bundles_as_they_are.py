"""Bundles are compressed: PostgreSQL need not try to compress them again. A change of the catalogue alone."""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _store("EXTERNAL")


def downgrade() -> None:
    _store("EXTENDED")


def _store(how: str) -> None:
    for table in ("meta_learners", "continuations", "refit_members"):
        op.execute(f"ALTER TABLE {table} ALTER COLUMN content SET STORAGE {how}")
