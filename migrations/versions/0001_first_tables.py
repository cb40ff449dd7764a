"""The first tables, and the queue's."""

from __future__ import annotations

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE projects (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT projects_pkey PRIMARY KEY,
    name text NOT NULL CONSTRAINT projects_name_key UNIQUE,
    objectives jsonb NOT NULL DEFAULT '[]'::jsonb,
    refit_policy jsonb NOT NULL DEFAULT '{}'::jsonb,
    champion_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT projects_objectives_check CHECK (jsonb_typeof(objectives) = 'array'),
    CONSTRAINT projects_refit_policy_check CHECK (jsonb_typeof(refit_policy) = 'object')
);

CREATE TABLE datasets (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT datasets_pkey PRIMARY KEY,
    project_id bigint NOT NULL CONSTRAINT datasets_project_id_fkey REFERENCES projects (id) ON DELETE CASCADE,
    name text NOT NULL,
    meta_features jsonb NOT NULL DEFAULT '{}'::jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT datasets_project_id_name_key UNIQUE (project_id, name),
    CONSTRAINT datasets_meta_features_check CHECK (jsonb_typeof(meta_features) = 'object')
);

CREATE TABLE meta_learners (
    id uuid DEFAULT uuidv7() CONSTRAINT meta_learners_pkey PRIMARY KEY,
    project_id bigint NOT NULL CONSTRAINT meta_learners_project_id_fkey REFERENCES projects (id) ON DELETE CASCADE,
    version integer NOT NULL,
    n_runs integer NOT NULL,
    n_datasets integer NOT NULL,
    fitted_at timestamptz NOT NULL DEFAULT now(),
    content bytea NOT NULL,
    checksum bytea NOT NULL,
    format_version integer NOT NULL,
    report jsonb NOT NULL DEFAULT '{}'::jsonb,
    verdict jsonb NOT NULL DEFAULT '{}'::jsonb,
    CONSTRAINT meta_learners_project_id_version_key UNIQUE (project_id, version),
    CONSTRAINT meta_learners_version_check CHECK (version > 0),
    CONSTRAINT meta_learners_checksum_check CHECK (octet_length(checksum) = 32)
);

ALTER TABLE projects ADD CONSTRAINT projects_champion_id_fkey
    FOREIGN KEY (champion_id) REFERENCES meta_learners (id) ON DELETE SET NULL;

CREATE TABLE recommendations (
    id uuid DEFAULT uuidv7() CONSTRAINT recommendations_pkey PRIMARY KEY,
    project_id bigint NOT NULL CONSTRAINT recommendations_project_id_fkey REFERENCES projects (id) ON DELETE CASCADE,
    dataset text NOT NULL,
    meta_learner_id uuid CONSTRAINT recommendations_meta_learner_id_fkey
        REFERENCES meta_learners (id) ON DELETE SET NULL,
    request jsonb NOT NULL DEFAULT '{}'::jsonb,
    answer jsonb NOT NULL DEFAULT '{}'::jsonb,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX recommendations_project_id_id_idx ON recommendations (project_id, id);
CREATE INDEX recommendations_meta_learner_id_idx ON recommendations (meta_learner_id);

CREATE TABLE run_segments (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT run_segments_pkey PRIMARY KEY,
    project_id bigint NOT NULL CONSTRAINT run_segments_project_id_fkey REFERENCES projects (id) ON DELETE CASCADE,
    n_runs integer NOT NULL,
    n_bytes bigint NOT NULL,
    checksum bytea NOT NULL,
    content bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX run_segments_project_id_id_idx ON run_segments (project_id, id);

CREATE TABLE runs (
    id uuid DEFAULT uuidv7() CONSTRAINT runs_pkey PRIMARY KEY,
    project_id bigint NOT NULL CONSTRAINT runs_project_id_fkey REFERENCES projects (id) ON DELETE CASCADE,
    run_id text NOT NULL,
    dataset_id bigint NOT NULL CONSTRAINT runs_dataset_id_fkey REFERENCES datasets (id) ON DELETE CASCADE,
    state text NOT NULL,
    hyperparameters jsonb NOT NULL DEFAULT '{}'::jsonb,
    architecture jsonb NOT NULL DEFAULT '{}'::jsonb,
    environment jsonb NOT NULL DEFAULT '{}'::jsonb,
    fidelity jsonb NOT NULL DEFAULT '{}'::jsonb,
    metrics jsonb NOT NULL DEFAULT '{}'::jsonb,
    resources jsonb NOT NULL DEFAULT '{}'::jsonb,
    tags jsonb NOT NULL DEFAULT '{}'::jsonb,
    learning_curve jsonb NOT NULL DEFAULT '[]'::jsonb,
    recommendation_id uuid CONSTRAINT runs_recommendation_id_fkey REFERENCES recommendations (id) ON DELETE SET NULL,
    started_at timestamptz,
    finished_at timestamptz,
    digest bytea NOT NULL,
    segment_id bigint CONSTRAINT runs_segment_id_fkey REFERENCES run_segments (id) ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT runs_project_id_run_id_key UNIQUE (project_id, run_id),
    CONSTRAINT runs_state_check CHECK (state IN ('completed', 'failed', 'running', 'stopped')),
    CONSTRAINT runs_digest_check CHECK (octet_length(digest) = 32)
);
CREATE INDEX runs_project_id_id_idx ON runs (project_id, id);
CREATE INDEX runs_dataset_id_id_idx ON runs (dataset_id, id);
CREATE INDEX runs_project_id_state_id_idx ON runs (project_id, state, id);
CREATE INDEX runs_terminal_idx ON runs (project_id, id) WHERE state <> 'running';
CREATE INDEX runs_recommendation_id_idx ON runs (recommendation_id, id) WHERE recommendation_id IS NOT NULL;
CREATE INDEX runs_segment_id_idx ON runs (segment_id) WHERE segment_id IS NOT NULL;

CREATE TABLE refits (
    id uuid DEFAULT uuidv7() CONSTRAINT refits_pkey PRIMARY KEY,
    project_id bigint NOT NULL CONSTRAINT refits_project_id_fkey REFERENCES projects (id) ON DELETE CASCADE,
    state text NOT NULL DEFAULT 'queued',
    trigger text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    queued_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    heartbeat_at timestamptz,
    n_runs integer,
    meta_learner_id uuid CONSTRAINT refits_meta_learner_id_fkey REFERENCES meta_learners (id) ON DELETE SET NULL,
    verdict jsonb,
    error text,
    progress jsonb,
    CONSTRAINT refits_state_check CHECK (state IN ('queued', 'running', 'succeeded', 'failed')),
    CONSTRAINT refits_trigger_check CHECK (trigger IN ('request', 'new_runs', 'periodic')),
    CONSTRAINT refits_running_check
        CHECK (state <> 'running' OR (started_at IS NOT NULL AND heartbeat_at IS NOT NULL)),
    CONSTRAINT refits_finished_check CHECK ((state IN ('succeeded', 'failed')) = (finished_at IS NOT NULL)),
    CONSTRAINT refits_failed_check CHECK ((state = 'failed') = (error IS NOT NULL))
);
CREATE INDEX refits_project_id_id_idx ON refits (project_id, id);
CREATE INDEX refits_meta_learner_id_idx ON refits (meta_learner_id);
CREATE UNIQUE INDEX refits_one_queued_idx ON refits (project_id) WHERE state = 'queued' AND attempts = 0;
CREATE UNIQUE INDEX refits_one_running_idx ON refits (project_id) WHERE state = 'running';

CREATE TABLE keys (
    id uuid DEFAULT uuidv7() CONSTRAINT keys_pkey PRIMARY KEY,
    project_ids bigint[],
    name text NOT NULL,
    prefix text NOT NULL CONSTRAINT keys_prefix_key UNIQUE,
    hash bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
);
"""

DROP_QUEUE = """
DO $$
DECLARE
    what text;
BEGIN
    DROP TABLE procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs, procrastinate_workers CASCADE;
    FOR what IN SELECT oid::regprocedure::text FROM pg_proc
        WHERE proname LIKE 'procrastinate\\_%' AND pronamespace = current_schema()::regnamespace
    LOOP
        EXECUTE 'DROP FUNCTION ' || what || ' CASCADE';
    END LOOP;
    DROP TYPE procrastinate_job_to_defer_v1, procrastinate_job_event_type, procrastinate_job_status;
END
$$;
"""


def upgrade() -> None:
    _execute(TABLES)
    _execute(SchemaManager.get_schema())


def downgrade() -> None:
    _execute(DROP_QUEUE)
    _execute("DROP TABLE keys, refits, runs, run_segments, recommendations, meta_learners, datasets, projects CASCADE;")


def _execute(script: str) -> None:
    """Several statements as they stand: the driver's own call takes `%` and `:` literally."""
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute(script)
