-- due_at is when somebody has to look after a task: a pending one is due then, and the lease of a running one ends. What
-- a status, a kind or a payload may be is checked by the code that reads it: a newer release may know more, and a row
-- that is damaged fails alone. A series has one task at the most that has not ended.
CREATE TABLE tasks (
    id uuid CONSTRAINT tasks_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT tasks_user_id_fkey REFERENCES users ON DELETE CASCADE,
    name text NOT NULL,
    kind text NOT NULL,
    payload text NOT NULL,
    status text NOT NULL,
    scheduled_at timestamptz NOT NULL,
    due_at timestamptz,
    series_id uuid,
    cron text,
    timezone text,
    max_attempts bigint NOT NULL,
    attempts bigint NOT NULL,
    earlier_attempts bigint NOT NULL,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    result text,
    error text,
    CONSTRAINT tasks_due_at_check CHECK ((due_at IS NULL) = (status IN ('completed', 'failed', 'cancelled'))),
    CONSTRAINT tasks_finished_at_check CHECK ((due_at IS NULL) = (finished_at IS NOT NULL)),
    CONSTRAINT tasks_series_check CHECK ((series_id IS NULL) = (cron IS NULL) AND (cron IS NULL) = (timezone IS NULL))
);
CREATE INDEX tasks_due_at ON tasks (due_at) WHERE due_at IS NOT NULL;
CREATE UNIQUE INDEX tasks_live_series_key ON tasks (series_id) WHERE due_at IS NOT NULL;
CREATE INDEX tasks_finished_at ON tasks (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX tasks_user_id_id ON tasks (user_id, id);
CREATE INDEX tasks_user_id_status_id ON tasks (user_id, status, id);
CREATE INDEX tasks_status_id ON tasks (status, id);
