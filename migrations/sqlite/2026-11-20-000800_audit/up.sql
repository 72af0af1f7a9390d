-- Events are appended without a place in the chain, and get one afterwards. They name users who may be gone, and
-- actions that a newer release may know more of. Nothing goes into compatible_migrations: an older binary would write no
-- events.
CREATE TABLE audit_events (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    actor_id BLOB,
    subject_id BLOB,
    ip_address TEXT,
    user_agent TEXT,
    request_id TEXT,
    details TEXT NOT NULL,
    sequence INTEGER UNIQUE,
    mac BLOB,
    key_id TEXT,
    CHECK ((sequence IS NULL) = (mac IS NULL) AND (mac IS NULL) = (key_id IS NULL))
) STRICT;
CREATE INDEX audit_events_unsealed ON audit_events (id) WHERE sequence IS NULL;
CREATE INDEX audit_events_actor_id ON audit_events (actor_id, id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_events_subject_id ON audit_events (subject_id, id) WHERE subject_id IS NOT NULL;
CREATE INDEX audit_events_action ON audit_events (action, id);

CREATE TABLE audit_chain (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    last_sequence INTEGER NOT NULL,
    last_mac BLOB NOT NULL,
    base_sequence INTEGER NOT NULL,
    base_mac BLOB NOT NULL,
    key_id TEXT NOT NULL,
    seal BLOB NOT NULL
) STRICT;
INSERT INTO audit_chain VALUES (1, 0, zeroblob(32), 0, zeroblob(32), '', x'');

CREATE TABLE audit_hours (
    hour INTEGER NOT NULL,
    action TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (hour, action)
) STRICT;
