-- The keys are compared byte by byte, so that a prefix is a range of the index.
-- What a role, a reason or a kind may be is checked by the code that reads it: a newer release may know more.
CREATE TABLE users (
    id uuid CONSTRAINT users_pkey PRIMARY KEY,
    username text NOT NULL,
    username_key text COLLATE "C" NOT NULL CONSTRAINT users_username_key UNIQUE,
    email text,
    email_key text COLLATE "C" CONSTRAINT users_email_key UNIQUE,
    password text,
    role text NOT NULL,
    is_active boolean NOT NULL,
    date_joined timestamptz NOT NULL,
    last_login timestamptz,
    CONSTRAINT users_email_check CHECK ((email IS NULL) = (email_key IS NULL))
);
CREATE INDEX users_role_id ON users (role, id);

CREATE TABLE sessions (
    id uuid CONSTRAINT sessions_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT sessions_user_id_fkey REFERENCES users ON DELETE CASCADE,
    generation bigint NOT NULL,
    salt bytea NOT NULL,
    digest bytea NOT NULL CONSTRAINT sessions_digest_key UNIQUE,
    previous_digest bytea,
    created_at timestamptz NOT NULL,
    rotated_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    access_expires_at timestamptz NOT NULL,
    ip_address text,
    user_agent text,
    ended_at timestamptz,
    end_reason text,
    CONSTRAINT sessions_end_check CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE INDEX sessions_previous_digest ON sessions (previous_digest) WHERE previous_digest IS NOT NULL;
CREATE INDEX sessions_user_id ON sessions (user_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);
CREATE INDEX sessions_ended_at ON sessions (ended_at) WHERE ended_at IS NOT NULL;

-- The order of seq is not the order of the commits: the feed is read by xid, the transaction that wrote the row.
CREATE TABLE changes (
    seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT changes_pkey PRIMARY KEY,
    xid bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    kind text NOT NULL,
    subject uuid,
    until timestamptz,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX changes_xid ON changes (xid);
CREATE INDEX changes_until ON changes (until) WHERE until IS NOT NULL;
CREATE INDEX changes_recorded_at ON changes (recorded_at);

-- What a newer release leaves for older binaries: a migration that they do not know and may work with all the same.
CREATE TABLE compatible_migrations (
    version text CONSTRAINT compatible_migrations_pkey PRIMARY KEY,
    oldest_known text NOT NULL -- a binary that knows this migration works with `version`
);
