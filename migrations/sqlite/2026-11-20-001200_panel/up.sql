-- The few who are deactivated, so that the admin panel finds and counts them among a million others.
CREATE INDEX users_inactive ON users (id) WHERE NOT is_active;
