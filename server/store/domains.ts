import type { AcmStatus, Domain } from "../domain/model.ts";
import type { Db } from "./database.ts";

type Row = {
  id: string; app_id: string; hostname: string; sni_endpoint_id: string | null; acm_status: AcmStatus | null; acm_status_reason: string | null;
  acm_failures: number; acm_due_at: string | null; created_at: string; updated_at: string;
};
const COLUMNS = "id, app_id, hostname, sni_endpoint_id, acm_status, acm_status_reason, acm_failures, acm_due_at, created_at, updated_at";

export type Domains = ReturnType<typeof createDomains>;

/** Custom domains. A hostname belongs to one app. */
export function createDomains(db: Db) {
  const insert = db.prepare(`INSERT INTO domains (${COLUMNS}) VALUES (@id, @appId, @hostname, @sniEndpointId, @acmStatus, @acmStatusReason, @acmFailures, @acmDueAt, @createdAt, @updatedAt)`);
  const update = db.prepare(`UPDATE domains SET sni_endpoint_id = @sniEndpointId, acm_status = @acmStatus, acm_status_reason = @acmStatusReason,
    acm_failures = @acmFailures, acm_due_at = @acmDueAt, updated_at = @updatedAt WHERE id = @id`);
  const remove = db.prepare("DELETE FROM domains WHERE id = ?");
  const byId = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM domains WHERE id = ?`);
  const byHostname = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM domains WHERE hostname = ?`);
  const byApp = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM domains WHERE app_id = ? ORDER BY created_at, id`);
  const hostnames = db.prepare<[string], { hostname: string }>("SELECT hostname FROM domains WHERE app_id = ? ORDER BY created_at, id");
  const bound = db.prepare<[string], { hostname: string }>("SELECT hostname FROM domains WHERE sni_endpoint_id = ? ORDER BY created_at, id");
  const due = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM domains WHERE acm_due_at <= ? ORDER BY acm_due_at, id`);
  const nextDue = db.prepare<[string], { at: string | null }>("SELECT min(acm_due_at) AS at FROM domains WHERE acm_due_at > ?");
  return {
    /** @throws SqliteError SQLITE_CONSTRAINT_UNIQUE when an app has that hostname. */
    insert: (domain: Domain): void => void insert.run(domain),
    /** Binding and ACM's state; a domain's name never changes. */
    update: (domain: Domain): void => void update.run(domain),
    remove: (id: string): void => void remove.run(id),
    find: (id: string): Domain | undefined => toDomain(byId.get(id)),
    findByHostname: (hostname: string): Domain | undefined => toDomain(byHostname.get(hostname)),
    /** Oldest first. */
    list: (appId: string): Domain[] => byApp.all(appId).map((row) => toDomain(row) as Domain),
    hostnames: (appId: string): string[] => hostnames.all(appId).map(({ hostname }) => hostname),
    /** Names of the domains that show this endpoint's certificate. */
    boundTo: (sniEndpointId: string): string[] => bound.all(sniEndpointId).map(({ hostname }) => hostname),
    /** Domains of all apps whose certificate is to be asked for by now. */
    due: (now: string): Domain[] => due.all(now).map((row) => toDomain(row) as Domain),
    /** When the next one after `now` is. */
    nextDue: (now: string): string | undefined => nextDue.get(now)?.at ?? undefined,
  };
}

function toDomain(row: Row | undefined): Domain | undefined {
  return row && {
    id: row.id, appId: row.app_id, hostname: row.hostname, sniEndpointId: row.sni_endpoint_id, acmStatus: row.acm_status, acmStatusReason: row.acm_status_reason,
    acmFailures: row.acm_failures, acmDueAt: row.acm_due_at, createdAt: row.created_at, updatedAt: row.updated_at,
  };
}
