-- A setting is here from the moment at which somebody has changed it. What a value may be is checked by the code that
-- reads it: a newer release may know more. Who changed it is named after his account is gone, too.
CREATE TABLE settings (
    name text COLLATE "C" CONSTRAINT settings_pkey PRIMARY KEY,
    value text NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by uuid
);
-- One row, counted on by each change: whoever has looked at an older version changes nothing.
CREATE TABLE settings_version (
    id bigint CONSTRAINT settings_version_pkey PRIMARY KEY CONSTRAINT settings_version_id_check CHECK (id = 1),
    version bigint NOT NULL
);
-- Without a value it was, or is again, as the variable or the default says.
CREATE TABLE setting_changes (
    id uuid CONSTRAINT setting_changes_pkey PRIMARY KEY,
    version bigint NOT NULL,
    name text NOT NULL,
    old_value text,
    new_value text,
    changed_at timestamptz NOT NULL,
    changed_by uuid
);
CREATE INDEX setting_changes_changed_at ON setting_changes (changed_at);
