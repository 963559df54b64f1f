-- Which buildpacks an app's next build uses, in order. An app without any: its source says (server/pipeline/build.ts).
CREATE TABLE buildpack_installations (
  app_id  TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL CHECK (ordinal >= 0),
  -- As it is shown and fetched: a name in the registry, a URL, or a folder of the app.
  url     TEXT NOT NULL,
  PRIMARY KEY (app_id, ordinal)
) STRICT, WITHOUT ROWID;

-- Which buildpacks made the slug, in order: the app's next build starts in an image that has their packages.
ALTER TABLE slugs ADD COLUMN buildpacks TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(buildpacks));
