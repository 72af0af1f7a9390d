-- Ids are 16 bytes, instants microseconds since 1970.
-- What a role, a reason or a kind may be is checked by the code that reads it: a newer release may know more.
CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    username TEXT NOT NULL,
    username_key TEXT NOT NULL UNIQUE,
    email TEXT,
    email_key TEXT UNIQUE,
    password TEXT,
    role TEXT NOT NULL,
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    date_joined INTEGER NOT NULL,
    last_login INTEGER,
    CHECK ((email IS NULL) = (email_key IS NULL))
) STRICT;
CREATE INDEX users_role_id ON users (role, id);

CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users ON DELETE CASCADE,
    generation INTEGER NOT NULL,
    salt BLOB NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    previous_digest BLOB,
    created_at INTEGER NOT NULL,
    rotated_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    access_expires_at INTEGER NOT NULL,
    ip_address TEXT,
    user_agent TEXT,
    ended_at INTEGER,
    end_reason TEXT,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) STRICT;
CREATE INDEX sessions_previous_digest ON sessions (previous_digest) WHERE previous_digest IS NOT NULL;
CREATE INDEX sessions_user_id ON sessions (user_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);
CREATE INDEX sessions_ended_at ON sessions (ended_at) WHERE ended_at IS NOT NULL;

-- AUTOINCREMENT: the number of a row that was swept is never given again.
CREATE TABLE changes (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    subject BLOB CHECK (length(subject) = 16),
    until INTEGER,
    recorded_at INTEGER NOT NULL
) STRICT;
CREATE INDEX changes_until ON changes (until) WHERE until IS NOT NULL;
CREATE INDEX changes_recorded_at ON changes (recorded_at);

-- What a newer release leaves for older binaries: a migration that they do not know and may work with all the same.
CREATE TABLE compatible_migrations (
    version TEXT NOT NULL PRIMARY KEY,
    oldest_known TEXT NOT NULL -- a binary that knows this migration works with `version`
) STRICT;
