DROP INDEX users_django_id_key;
ALTER TABLE users DROP COLUMN foreign_tokens_from;
ALTER TABLE users DROP COLUMN last_name;
ALTER TABLE users DROP COLUMN first_name;
ALTER TABLE users DROP COLUMN django_id;
