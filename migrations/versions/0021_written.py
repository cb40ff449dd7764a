"""Each run says which transaction wrote it last; one that is deleted leaves a tombstone for its segment.

Adding the column is a change of the catalogue alone: rows that are there read '0', as written before everything else.
"""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

COLUMN = """
ALTER TABLE runs ADD COLUMN written xid8 NOT NULL DEFAULT '0'::xid8;
ALTER TABLE runs ALTER COLUMN written SET DEFAULT pg_current_xact_id();
"""

TRIGGERS = """
CREATE FUNCTION run_is_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.written := pg_current_xact_id();
    RETURN NEW;
END
$$;
CREATE TRIGGER run_is_written BEFORE UPDATE ON runs FOR EACH ROW EXECUTE FUNCTION run_is_written();

CREATE FUNCTION run_is_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_tombstones (project_id, id, folded) VALUES (OLD.project_id, OLD.id, coalesce(
        (SELECT horizon > OLD.written FROM run_folds WHERE project_id = OLD.project_id), false
    )) ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER run_is_deleted AFTER DELETE ON runs FOR EACH ROW
    WHEN (OLD.state <> 'running' AND current_setting('forerun.keep_segments', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION run_is_deleted();
"""


def upgrade() -> None:
    _execute(COLUMN)
    _execute(TRIGGERS)


def downgrade() -> None:
    _execute("DROP TRIGGER run_is_deleted ON runs; DROP TRIGGER run_is_written ON runs;")
    _execute("DROP FUNCTION run_is_deleted(); DROP FUNCTION run_is_written();")
    _execute("ALTER TABLE runs DROP COLUMN written;")


def _execute(script: str) -> None:
    """Several statements as they stand: the driver's own call takes `%` and `:` literally."""
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute(script)
