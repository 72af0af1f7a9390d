ALTER TABLE users
    DROP COLUMN django_id,
    DROP COLUMN first_name,
    DROP COLUMN last_name,
    DROP COLUMN foreign_tokens_from;
