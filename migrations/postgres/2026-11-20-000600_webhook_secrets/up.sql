-- A secret signs, so it is kept whole, but sealed under a key that is derived from the secret key.
CREATE TABLE webhook_secrets (
    user_id uuid CONSTRAINT webhook_secrets_pkey PRIMARY KEY
        CONSTRAINT webhook_secrets_user_id_fkey REFERENCES users ON DELETE CASCADE,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    previous_sealed bytea,
    previous_until timestamptz,
    CONSTRAINT webhook_secrets_previous_check CHECK ((previous_sealed IS NULL) = (previous_until IS NULL))
);
