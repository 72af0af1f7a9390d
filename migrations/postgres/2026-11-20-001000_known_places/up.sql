-- Where users have logged in before: a keyed digest of the user and the place, and no address.
CREATE TABLE known_places (
    digest bytea CONSTRAINT known_places_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT known_places_user_id_fkey REFERENCES users ON DELETE CASCADE,
    seen_at timestamptz NOT NULL
);
CREATE INDEX known_places_user_id_seen_at ON known_places (user_id, seen_at);
CREATE INDEX known_places_seen_at ON known_places (seen_at);
