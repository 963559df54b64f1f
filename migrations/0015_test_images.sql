-- What was built for a run, for as long as it is kept: the app's next build for tests begins on it.
ALTER TABLE test_runs ADD COLUMN image TEXT;
CREATE INDEX test_runs_images ON test_runs (image) WHERE image IS NOT NULL;
