"""The audit record: what was done to keys, meta-learners and runs, by whom; nothing in it can be changed."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE audit (
    id uuid DEFAULT uuidv7() CONSTRAINT audit_pkey PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    who text NOT NULL,
    what text NOT NULL,
    subject text NOT NULL,
    project text,
    details jsonb NOT NULL DEFAULT '{}'::jsonb,
    CONSTRAINT audit_what_check CHECK (what IN ('key_created', 'key_revoked', 'meta_learner_promoted', 'run_deleted'))
)
"""
REFUSE = """
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit record is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$
"""
TRIGGER = """
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()
"""


def upgrade() -> None:
    for statement in (TABLE, REFUSE, TRIGGER):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE audit")
    op.execute("DROP FUNCTION audit_refuse()")
