-- Where users have logged in before: a keyed digest of the user and the place, and no address.
CREATE TABLE known_places (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 16),
    user_id BLOB NOT NULL REFERENCES users ON DELETE CASCADE,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX known_places_user_id_seen_at ON known_places (user_id, seen_at);
CREATE INDEX known_places_seen_at ON known_places (seen_at);
