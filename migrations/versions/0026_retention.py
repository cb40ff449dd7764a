"""How long a project keeps its raw runs; a change of the catalogue alone."""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE projects ADD COLUMN retention jsonb NOT NULL DEFAULT '{}'::jsonb")
    check = "CHECK (jsonb_typeof(retention) = 'object')"
    op.execute(f"ALTER TABLE projects ADD CONSTRAINT projects_retention_check {check} NOT VALID")
    op.execute("ALTER TABLE projects VALIDATE CONSTRAINT projects_retention_check")


def downgrade() -> None:
    op.execute("ALTER TABLE projects DROP COLUMN retention")
