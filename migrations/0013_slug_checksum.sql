-- Of the names, modes and contents in the app's folder. Slugs from before have none.
ALTER TABLE slugs ADD COLUMN checksum TEXT;
