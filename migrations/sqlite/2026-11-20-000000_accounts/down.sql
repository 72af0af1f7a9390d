DROP TABLE compatible_migrations;
DROP TABLE changes;
DROP TABLE sessions;
DROP TABLE users;
