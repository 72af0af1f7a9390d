-- Of a secret there is only its SHA-256. What a scope may be is checked by the code that reads it: a newer release may
-- know more. Nothing is recorded in the feed of the keys that go with their user: the user himself is.
CREATE TABLE api_keys (
    id uuid CONSTRAINT api_keys_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT api_keys_user_id_fkey REFERENCES users ON DELETE CASCADE,
    name text NOT NULL,
    prefix text NOT NULL,
    digest bytea NOT NULL CONSTRAINT api_keys_digest_key UNIQUE,
    previous_digest bytea,
    previous_until timestamptz,
    scopes text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    CONSTRAINT api_keys_previous_check CHECK ((previous_digest IS NULL) = (previous_until IS NULL))
);
CREATE INDEX api_keys_previous_digest ON api_keys (previous_digest) WHERE previous_digest IS NOT NULL;
CREATE INDEX api_keys_user_id_id ON api_keys (user_id, id);
