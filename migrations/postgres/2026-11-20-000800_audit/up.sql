-- Events are appended without a place in the chain, and get one afterwards. They name users who may be gone, and
-- actions that a newer release may know more of. Nothing goes into compatible_migrations: an older binary would write no
-- events.
CREATE TABLE audit_events (
    id uuid CONSTRAINT audit_events_pkey PRIMARY KEY,
    at timestamptz NOT NULL,
    action text NOT NULL,
    actor_id uuid,
    subject_id uuid,
    ip_address text,
    user_agent text,
    request_id text,
    details text NOT NULL,
    sequence bigint CONSTRAINT audit_events_sequence_key UNIQUE,
    mac bytea,
    key_id text,
    CONSTRAINT audit_events_seal_check CHECK ((sequence IS NULL) = (mac IS NULL) AND (mac IS NULL) = (key_id IS NULL))
);
CREATE INDEX audit_events_unsealed ON audit_events (id) WHERE sequence IS NULL;
CREATE INDEX audit_events_actor_id ON audit_events (actor_id, id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_events_subject_id ON audit_events (subject_id, id) WHERE subject_id IS NOT NULL;
CREATE INDEX audit_events_action ON audit_events (action, id);

CREATE TABLE audit_chain (
    id bigint CONSTRAINT audit_chain_pkey PRIMARY KEY CONSTRAINT audit_chain_id_check CHECK (id = 1),
    last_sequence bigint NOT NULL,
    last_mac bytea NOT NULL,
    base_sequence bigint NOT NULL,
    base_mac bytea NOT NULL,
    key_id text NOT NULL,
    seal bytea NOT NULL
);
INSERT INTO audit_chain VALUES (1, 0, decode(repeat('00', 32), 'hex'), 0, decode(repeat('00', 32), 'hex'), '', '');

CREATE TABLE audit_hours (
    hour timestamptz NOT NULL,
    action text NOT NULL,
    count bigint NOT NULL,
    CONSTRAINT audit_hours_pkey PRIMARY KEY (hour, action)
);
