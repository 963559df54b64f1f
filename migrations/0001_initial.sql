-- People and their tokens. A token's text is never stored: `prefix` finds the row, `sha256` proves it.
CREATE TABLE users (
  id         TEXT PRIMARY KEY,
  email      TEXT NOT NULL UNIQUE,
  name       TEXT,
  admin      INTEGER NOT NULL DEFAULT 0 CHECK (admin IN (0, 1)),
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE tokens (
  id          TEXT PRIMARY KEY,
  user_id     TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  prefix      TEXT NOT NULL,
  sha256      BLOB NOT NULL UNIQUE,
  description TEXT NOT NULL,
  created_at  TEXT NOT NULL,
  expires_at  TEXT
) STRICT;
CREATE INDEX tokens_by_prefix ON tokens (prefix);

CREATE TABLE apps (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  owner_id   TEXT NOT NULL REFERENCES users (id),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT;

-- What a build made: an image of the engine and the process types found in it.
CREATE TABLE slugs (
  id             TEXT PRIMARY KEY,
  app_id         TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  image          TEXT NOT NULL,
  commit_sha     TEXT NOT NULL,
  buildpack      TEXT NOT NULL,
  process_types  TEXT NOT NULL CHECK (json_valid(process_types)),
  app_json       TEXT NOT NULL CHECK (json_valid(app_json)),
  stack          TEXT NOT NULL,
  size           INTEGER NOT NULL,
  pruned_at      TEXT,
  created_at     TEXT NOT NULL
) STRICT;
CREATE INDEX slugs_by_app ON slugs (app_id);

-- Numbers grow for ever, also after the highest release's row was rolled back: the counter is its own fact.
CREATE TABLE release_counters (
  app_id  TEXT PRIMARY KEY REFERENCES apps (id) ON DELETE CASCADE,
  version INTEGER NOT NULL
) STRICT;

CREATE TABLE releases (
  id          TEXT PRIMARY KEY,
  app_id      TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  version     INTEGER NOT NULL,
  slug_id     TEXT REFERENCES slugs (id),
  config      TEXT NOT NULL CHECK (json_valid(config)),
  formation   TEXT NOT NULL CHECK (json_valid(formation)),
  description TEXT NOT NULL,
  user_id     TEXT NOT NULL REFERENCES users (id),
  commit_sha  TEXT,
  created_at  TEXT NOT NULL,
  UNIQUE (app_id, version)
) STRICT;
CREATE TRIGGER releases_are_immutable BEFORE UPDATE ON releases
BEGIN SELECT RAISE(ABORT, 'a release never changes'); END;

-- The story of bringing a release to life. `superseded` was current once.
CREATE TABLE deployments (
  id          TEXT PRIMARY KEY,
  app_id      TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  release_id  TEXT NOT NULL UNIQUE REFERENCES releases (id) ON DELETE CASCADE,
  state       TEXT NOT NULL CHECK (state IN ('pending', 'releasing', 'starting', 'current', 'superseded', 'failed')),
  reason      TEXT,
  created_at  TEXT NOT NULL,
  updated_at  TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_current_deployment_per_app ON deployments (app_id) WHERE state = 'current';
CREATE UNIQUE INDEX one_running_deployment_per_app ON deployments (app_id) WHERE state IN ('pending', 'releasing', 'starting');

CREATE TABLE builds (
  id         TEXT PRIMARY KEY,
  app_id     TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  status     TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
  commit_sha TEXT NOT NULL,
  buildpack  TEXT,
  slug_id    TEXT REFERENCES slugs (id) ON DELETE SET NULL,
  release_id TEXT REFERENCES releases (id) ON DELETE SET NULL,
  user_id    TEXT NOT NULL REFERENCES users (id),
  reason     TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX builds_by_app ON builds (app_id, created_at);
CREATE UNIQUE INDEX one_running_build_per_app ON builds (app_id) WHERE status = 'pending';
