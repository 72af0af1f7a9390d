-- No row: the database was never restored. A session whose id was made before is over, whether or not it has a row.
-- Nothing goes into compatible_migrations: an older binary would accept what this refuses.
CREATE TABLE token_cutoff (
    id bigint CONSTRAINT token_cutoff_pkey PRIMARY KEY CONSTRAINT token_cutoff_id_check CHECK (id = 1),
    sessions_since timestamptz NOT NULL
);
