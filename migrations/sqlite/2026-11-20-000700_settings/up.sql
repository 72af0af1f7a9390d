-- A setting is here from the moment at which somebody has changed it. What a value may be is checked by the code that
-- reads it: a newer release may know more. Who changed it is named after his account is gone, too.
CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    changed_by BLOB CHECK (length(changed_by) = 16)
) STRICT;
-- One row, counted on by each change: whoever has looked at an older version changes nothing.
CREATE TABLE settings_version (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;
-- Without a value it was, or is again, as the variable or the default says.
CREATE TABLE setting_changes (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    old_value TEXT,
    new_value TEXT,
    changed_at INTEGER NOT NULL,
    changed_by BLOB CHECK (length(changed_by) = 16)
) STRICT;
CREATE INDEX setting_changes_changed_at ON setting_changes (changed_at);
