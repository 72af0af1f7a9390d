-- Of a secret there is only its SHA-256. What a scope may be is checked by the code that reads it: a newer release may
-- know more. Nothing is recorded in the feed of the keys that go with their user: the user himself is.
CREATE TABLE api_keys (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users ON DELETE CASCADE,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    previous_digest BLOB,
    previous_until INTEGER,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    CHECK ((previous_digest IS NULL) = (previous_until IS NULL))
) STRICT;
CREATE INDEX api_keys_previous_digest ON api_keys (previous_digest) WHERE previous_digest IS NOT NULL;
CREATE INDEX api_keys_user_id_id ON api_keys (user_id, id);
