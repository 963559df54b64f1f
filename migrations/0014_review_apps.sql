-- Review apps: apps of their own for a branch of another app, their parent. The parent is no foreign key: what outlives it is found and discarded.
CREATE TABLE review_apps (
  id          TEXT PRIMARY KEY,
  app_id      TEXT UNIQUE REFERENCES apps (id) ON DELETE CASCADE,
  parent_id   TEXT NOT NULL,
  pipeline_id TEXT REFERENCES pipelines (id) ON DELETE SET NULL,
  branch      TEXT NOT NULL,
  pr_number   INTEGER,
  status      TEXT NOT NULL CHECK (status IN ('pending', 'creating', 'created', 'errored', 'deleting')),
  message     TEXT,
  creator_id  TEXT NOT NULL REFERENCES users (id),
  created_at  TEXT NOT NULL,
  updated_at  TEXT NOT NULL
) STRICT;
CREATE INDEX review_apps_by_pipeline ON review_apps (pipeline_id);
CREATE UNIQUE INDEX one_review_app_per_branch ON review_apps (parent_id, branch) WHERE status <> 'errored';

-- How a pipeline makes its review apps, where somebody said so.
CREATE TABLE review_app_configs (
  pipeline_id   TEXT PRIMARY KEY REFERENCES pipelines (id) ON DELETE CASCADE,
  automatic     INTEGER NOT NULL CHECK (automatic IN (0, 1)),
  destroy_stale INTEGER NOT NULL CHECK (destroy_stale IN (0, 1)),
  stale_days    INTEGER NOT NULL,
  base_name     TEXT,
  created_at    TEXT NOT NULL,
  updated_at    TEXT NOT NULL
) STRICT;
