DROP TABLE setting_changes;
DROP TABLE settings_version;
DROP TABLE settings;
