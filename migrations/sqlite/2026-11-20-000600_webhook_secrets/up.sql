-- A secret signs, so it is kept whole, but sealed under a key that is derived from the secret key.
CREATE TABLE webhook_secrets (
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES users ON DELETE CASCADE CHECK (length(user_id) = 16),
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    previous_sealed BLOB,
    previous_until INTEGER,
    CHECK ((previous_sealed IS NULL) = (previous_until IS NULL))
) STRICT;
