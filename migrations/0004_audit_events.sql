-- Who changed what, when and from where. Names stand beside ids, for people and apps may be gone when it is read.
CREATE TABLE audit_events (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,
  id          TEXT NOT NULL UNIQUE,
  actor_id    TEXT NOT NULL,
  actor_email TEXT NOT NULL,
  type        TEXT NOT NULL,
  action      TEXT NOT NULL,
  app_id      TEXT,
  app_name    TEXT,
  address     TEXT NOT NULL,
  data        TEXT NOT NULL CHECK (json_valid(data)),
  created_at  TEXT NOT NULL
) STRICT;
CREATE INDEX audit_events_by_created_at ON audit_events (created_at);
