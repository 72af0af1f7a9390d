-- For accounts that come from Django: the key that they had there, and what else is kept of them.
ALTER TABLE users ADD COLUMN django_id TEXT;
ALTER TABLE users ADD COLUMN first_name TEXT;
ALTER TABLE users ADD COLUMN last_name TEXT;
ALTER TABLE users ADD COLUMN foreign_tokens_from INTEGER; -- tokens that Django issued before are refused
CREATE UNIQUE INDEX users_django_id_key ON users (django_id);
