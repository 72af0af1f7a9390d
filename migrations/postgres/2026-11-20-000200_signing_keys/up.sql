-- What an algorithm or a state may be is checked by the code that reads it: a newer release may know more.
-- Of each algorithm one pair signs and one waits: which, the database decides when nodes race.
CREATE TABLE signing_keys (
    kid text COLLATE "C" CONSTRAINT signing_keys_pkey PRIMARY KEY,
    algorithm text NOT NULL,
    public_key text NOT NULL,
    sealed_key bytea,
    state text NOT NULL,
    created_at timestamptz NOT NULL,
    activated_at timestamptz,
    deactivated_at timestamptz,
    retired_at timestamptz
);
CREATE UNIQUE INDEX signing_keys_active_key ON signing_keys (algorithm) WHERE state = 'active';
CREATE UNIQUE INDEX signing_keys_prepared_key ON signing_keys (algorithm) WHERE state = 'prepared';
CREATE INDEX signing_keys_created_at ON signing_keys (created_at, kid);
CREATE INDEX signing_keys_retired_at ON signing_keys (retired_at) WHERE retired_at IS NOT NULL;
