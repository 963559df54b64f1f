-- Where an app's events are sent. The secret signs them, so it is kept as it is; so is what stands in the Authorization header.
CREATE TABLE webhooks (
  id            TEXT PRIMARY KEY,
  app_id        TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  url           TEXT NOT NULL,
  include       TEXT NOT NULL CHECK (json_valid(include)),
  level         TEXT NOT NULL CHECK (level IN ('notify', 'sync')),
  secret        TEXT NOT NULL,
  authorization TEXT,
  created_at    TEXT NOT NULL,
  updated_at    TEXT NOT NULL
) STRICT;
CREATE INDEX webhooks_by_app ON webhooks (app_id);

CREATE TABLE webhook_events (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  id         TEXT NOT NULL UNIQUE,
  app_id     TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  include    TEXT NOT NULL,
  payload    TEXT NOT NULL CHECK (json_valid(payload)),
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX webhook_events_by_app ON webhook_events (app_id, seq);

-- One event on its way to one webhook. `next_attempt_at` is set as long as it is to be tried.
CREATE TABLE webhook_deliveries (
  seq             INTEGER PRIMARY KEY AUTOINCREMENT,
  id              TEXT NOT NULL UNIQUE,
  webhook_id      TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  event_id        TEXT NOT NULL REFERENCES webhook_events (id) ON DELETE CASCADE,
  status          TEXT NOT NULL CHECK (status IN ('pending', 'retrying', 'succeeded', 'failed')),
  attempts        INTEGER NOT NULL,
  next_attempt_at TEXT,
  last_attempt    TEXT CHECK (last_attempt IS NULL OR json_valid(last_attempt)),
  created_at      TEXT NOT NULL,
  updated_at      TEXT NOT NULL
) STRICT;
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, seq);
CREATE INDEX webhook_deliveries_by_event ON webhook_deliveries (event_id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
