-- For accounts that come from Django: the key that they had there, and what else is kept of them.
ALTER TABLE users
    ADD COLUMN django_id text COLLATE "C" CONSTRAINT users_django_id_key UNIQUE,
    ADD COLUMN first_name text,
    ADD COLUMN last_name text,
    ADD COLUMN foreign_tokens_from timestamptz; -- tokens that Django issued before are refused
