-- What is turned on for an app: maintenance, acm, force-https, hsts. No row: it was never touched, and is off.
CREATE TABLE app_switches (
  app_id     TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  name       TEXT NOT NULL,
  enabled    INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (app_id, name)
) STRICT;

-- Custom domains, in canonical form: a name belongs to one app. The acm_ columns tell how the next certificate of an authority stands.
CREATE TABLE domains (
  id                TEXT PRIMARY KEY,
  app_id            TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  hostname          TEXT NOT NULL UNIQUE,
  sni_endpoint_id   TEXT REFERENCES sni_endpoints (id) ON DELETE SET NULL,
  acm_status        TEXT CHECK (acm_status IN ('pending', 'failing', 'cert issued')),
  acm_status_reason TEXT,
  acm_failures      INTEGER NOT NULL DEFAULT 0,
  acm_due_at        TEXT,
  created_at        TEXT NOT NULL,
  updated_at        TEXT NOT NULL
) STRICT;
CREATE INDEX domains_by_app ON domains (app_id);
CREATE INDEX domains_by_sni_endpoint ON domains (sni_endpoint_id);
CREATE INDEX domains_by_acm_due_at ON domains (acm_due_at) WHERE acm_due_at IS NOT NULL;

-- Certificates with their private keys. Those of an authority (ACM) belong to one domain and go with it.
CREATE TABLE sni_endpoints (
  id                TEXT PRIMARY KEY,
  app_id            TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  name              TEXT NOT NULL UNIQUE,
  certificate_chain TEXT NOT NULL,
  private_key       TEXT NOT NULL,
  acm_domain_id     TEXT UNIQUE REFERENCES domains (id) ON DELETE CASCADE,
  created_at        TEXT NOT NULL,
  updated_at        TEXT NOT NULL
) STRICT;
CREATE INDEX sni_endpoints_by_app ON sni_endpoints (app_id);

-- Our accounts at certificate authorities (RFC 8555 section 7.3).
CREATE TABLE acme_accounts (
  directory   TEXT PRIMARY KEY,
  private_key TEXT NOT NULL,
  url         TEXT,
  created_at  TEXT NOT NULL
) STRICT;
