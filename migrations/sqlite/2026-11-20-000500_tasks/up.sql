-- due_at is when somebody has to look after a task: a pending one is due then, and the lease of a running one ends. What
-- a status, a kind or a payload may be is checked by the code that reads it: a newer release may know more, and a row
-- that is damaged fails alone. A series has one task at the most that has not ended.
CREATE TABLE tasks (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users ON DELETE CASCADE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    status TEXT NOT NULL,
    scheduled_at INTEGER NOT NULL,
    due_at INTEGER,
    series_id BLOB CHECK (length(series_id) = 16),
    cron TEXT,
    timezone TEXT,
    max_attempts INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    earlier_attempts INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    result TEXT,
    error TEXT,
    CHECK ((due_at IS NULL) = (status IN ('completed', 'failed', 'cancelled'))),
    CHECK ((due_at IS NULL) = (finished_at IS NOT NULL)),
    CHECK ((series_id IS NULL) = (cron IS NULL) AND (cron IS NULL) = (timezone IS NULL))
) STRICT;
CREATE INDEX tasks_due_at ON tasks (due_at) WHERE due_at IS NOT NULL;
CREATE UNIQUE INDEX tasks_live_series_key ON tasks (series_id) WHERE due_at IS NOT NULL;
CREATE INDEX tasks_finished_at ON tasks (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX tasks_user_id_id ON tasks (user_id, id);
CREATE INDEX tasks_user_id_status_id ON tasks (user_id, status, id);
CREATE INDEX tasks_status_id ON tasks (status, id);
