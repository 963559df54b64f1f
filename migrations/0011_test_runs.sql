-- Runs of apps' tests, each before a release. The number grows within the app and within its pipeline.
CREATE TABLE test_runs (
  id             TEXT PRIMARY KEY,
  app_id         TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  pipeline_id    TEXT REFERENCES pipelines (id) ON DELETE SET NULL,
  number         INTEGER NOT NULL CHECK (number > 0),
  status         TEXT NOT NULL CHECK (status IN ('pending', 'building', 'running', 'succeeded', 'failed', 'errored', 'cancelled')),
  commit_sha     TEXT NOT NULL,
  commit_branch  TEXT NOT NULL,
  commit_message TEXT NOT NULL,
  exit_code      INTEGER,
  reason         TEXT,
  user_id        TEXT NOT NULL REFERENCES users (id),
  created_at     TEXT NOT NULL,
  updated_at     TEXT NOT NULL,
  UNIQUE (app_id, number)
) STRICT;
CREATE UNIQUE INDEX test_runs_by_pipeline ON test_runs (pipeline_id, number) WHERE pipeline_id IS NOT NULL;
CREATE INDEX test_runs_open ON test_runs (status) WHERE status IN ('pending', 'building', 'running');

-- What the tests of a pipeline's apps find in their environment besides what app.json says.
CREATE TABLE pipeline_test_config (
  pipeline_id TEXT PRIMARY KEY REFERENCES pipelines (id) ON DELETE CASCADE,
  config      TEXT NOT NULL CHECK (json_valid(config)),
  updated_at  TEXT NOT NULL
) STRICT;
