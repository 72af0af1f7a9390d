DROP TABLE audit_hours;
DROP TABLE audit_chain;
DROP TABLE audit_events;
