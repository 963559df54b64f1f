-- Logging in: `password` is a salted scrypt digest with its costs; null: tokens only. A suspended person's tokens open nothing.
ALTER TABLE users ADD COLUMN password TEXT;
ALTER TABLE users ADD COLUMN last_login TEXT;
ALTER TABLE users ADD COLUMN suspended_at TEXT;
ALTER TABLE users ADD COLUMN updated_at TEXT;

-- A row is an authorization in Heroku's words: its token may be replaced (`issued_at`), its id stays. A session is one made by logging in with a browser.
ALTER TABLE tokens ADD COLUMN scope TEXT NOT NULL DEFAULT '["global"]' CHECK (json_valid(scope));
ALTER TABLE tokens ADD COLUMN session INTEGER NOT NULL DEFAULT 0 CHECK (session IN (0, 1));
ALTER TABLE tokens ADD COLUMN issued_at TEXT;
ALTER TABLE tokens ADD COLUMN updated_at TEXT;
CREATE INDEX tokens_by_user ON tokens (user_id);

-- Who besides its owner may use an app.
CREATE TABLE collaborators (
  id         TEXT PRIMARY KEY,
  app_id     TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at TEXT NOT NULL,
  UNIQUE (app_id, user_id)
) STRICT;
CREATE INDEX collaborators_by_user ON collaborators (user_id);

-- An app on its way to another owner: it changes hands when the recipient accepts.
CREATE TABLE app_transfers (
  id           TEXT PRIMARY KEY,
  app_id       TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  owner_id     TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  recipient_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  state        TEXT NOT NULL CHECK (state IN ('pending', 'accepted', 'declined')),
  created_at   TEXT NOT NULL,
  updated_at   TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_pending_transfer_per_app ON app_transfers (app_id) WHERE state = 'pending';
CREATE INDEX app_transfers_by_owner ON app_transfers (owner_id);
CREATE INDEX app_transfers_by_recipient ON app_transfers (recipient_id);

-- SSH public keys, in the form of an authorized_keys file.
CREATE TABLE ssh_keys (
  id          TEXT PRIMARY KEY,
  user_id     TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  public_key  TEXT NOT NULL,
  comment     TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  created_at  TEXT NOT NULL,
  UNIQUE (user_id, fingerprint)
) STRICT;
