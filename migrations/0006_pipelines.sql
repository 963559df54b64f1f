-- Pipelines: apps that are stages of one thing, and promotions of a slug from one to the next.
CREATE TABLE pipelines (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  owner_id   TEXT NOT NULL REFERENCES users (id),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT;

CREATE TABLE pipeline_couplings (
  id          TEXT PRIMARY KEY,
  pipeline_id TEXT NOT NULL REFERENCES pipelines (id) ON DELETE CASCADE,
  app_id      TEXT NOT NULL UNIQUE REFERENCES apps (id) ON DELETE CASCADE,
  stage       TEXT NOT NULL CHECK (stage IN ('test', 'review', 'development', 'staging', 'production')),
  created_at  TEXT NOT NULL,
  updated_at  TEXT NOT NULL
) STRICT;
CREATE INDEX pipeline_couplings_by_pipeline ON pipeline_couplings (pipeline_id);

CREATE TABLE pipeline_promotions (
  id                TEXT PRIMARY KEY,
  pipeline_id       TEXT NOT NULL REFERENCES pipelines (id) ON DELETE CASCADE,
  source_app_id     TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  source_release_id TEXT NOT NULL,
  created_at        TEXT NOT NULL,
  updated_at        TEXT NOT NULL
) STRICT;
CREATE INDEX pipeline_promotions_by_pipeline ON pipeline_promotions (pipeline_id);
CREATE INDEX pipeline_promotions_by_source ON pipeline_promotions (source_app_id);

CREATE TABLE pipeline_promotion_targets (
  id            TEXT PRIMARY KEY,
  promotion_id  TEXT NOT NULL REFERENCES pipeline_promotions (id) ON DELETE CASCADE,
  app_id        TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  release_id    TEXT,
  status        TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
  error_message TEXT
) STRICT;
CREATE INDEX pipeline_promotion_targets_by_promotion ON pipeline_promotion_targets (promotion_id);
CREATE INDEX pipeline_promotion_targets_by_app ON pipeline_promotion_targets (app_id);
