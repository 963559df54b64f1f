-- Builds of archives: where the source came from, as its sender said it. Null where it was pushed.
ALTER TABLE builds ADD COLUMN source_blob TEXT CHECK (source_blob IS NULL OR json_valid(source_blob));
