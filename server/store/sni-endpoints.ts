import type { SniEndpoint } from "../domain/model.ts";
import type { Db } from "./database.ts";

type Row = { id: string; app_id: string; name: string; certificate_chain: string; private_key: string; acm_domain_id: string | null; created_at: string; updated_at: string };
const COLUMNS = "id, app_id, name, certificate_chain, private_key, acm_domain_id, created_at, updated_at";

export type SniEndpoints = ReturnType<typeof createSniEndpoints>;

/** Certificates with their private keys. */
export function createSniEndpoints(db: Db) {
  const insert = db.prepare(`INSERT INTO sni_endpoints (${COLUMNS}) VALUES (@id, @appId, @name, @certificateChain, @privateKey, @acmDomainId, @createdAt, @updatedAt)`);
  const update = db.prepare("UPDATE sni_endpoints SET certificate_chain = @certificateChain, private_key = @privateKey, updated_at = @updatedAt WHERE id = @id");
  const remove = db.prepare("DELETE FROM sni_endpoints WHERE id = ?");
  const byKey = db.prepare<{ key: string }, Row>(`SELECT ${COLUMNS} FROM sni_endpoints WHERE id = @key OR name = @key`);
  const byDomain = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM sni_endpoints WHERE acm_domain_id = ?`);
  const byApp = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM sni_endpoints WHERE app_id = ? ORDER BY created_at, id`);
  const all = db.prepare<[], Row>(`SELECT ${COLUMNS} FROM sni_endpoints ORDER BY created_at, id`);
  return {
    /** @throws SqliteError SQLITE_CONSTRAINT_UNIQUE when the name is taken. */
    insert: (endpoint: SniEndpoint): void => void insert.run(endpoint),
    /** Another certificate and key. */
    update: (endpoint: SniEndpoint): void => void update.run(endpoint),
    /** Domains that were bound to it are bound to nothing. */
    remove: (id: string): void => void remove.run(id),
    /** By id or by name. */
    find: (key: string): SniEndpoint | undefined => toEndpoint(byKey.get({ key })),
    /** The one that an authority's certificate of that domain lies in. */
    ofAcm: (domainId: string): SniEndpoint | undefined => toEndpoint(byDomain.get(domainId)),
    /** Oldest first. */
    list: (appId: string): SniEndpoint[] => byApp.all(appId).map((row) => toEndpoint(row) as SniEndpoint),
    all: (): SniEndpoint[] => all.all().map((row) => toEndpoint(row) as SniEndpoint),
  };
}

function toEndpoint(row: Row | undefined): SniEndpoint | undefined {
  return row && {
    id: row.id, appId: row.app_id, name: row.name, certificateChain: row.certificate_chain, privateKey: row.private_key,
    acmDomainId: row.acm_domain_id, createdAt: row.created_at, updatedAt: row.updated_at,
  };
}
