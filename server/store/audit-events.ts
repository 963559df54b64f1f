import type { AuditEvent } from "../domain/model.ts";
import type { Db } from "./database.ts";

type Row = {
  seq: number; id: string; actor_id: string; actor_email: string; type: string; action: string; app_id: string | null; app_name: string | null; address: string; data: string; created_at: string;
};
const COLUMNS = "seq, id, actor_id, actor_email, type, action, app_id, app_name, address, data, created_at";

/** What to look for; what is left out is not asked. */
export type AuditQuery = {
  type?: string | undefined; action?: string | undefined;
  /** Id or e-mail address. */
  actor?: string | undefined;
  /** Id or name. */
  app?: string | undefined;
  /** ISO 8601: from, and before. */
  after?: string | undefined; before?: string | undefined;
  lowest: number; highest: number; newestFirst: boolean; limit: number;
};

export type AuditEvents = ReturnType<typeof createAuditEvents>;

/** The audit trail. An event is never changed; the oldest go. */
export function createAuditEvents(db: Db) {
  const insert = db.prepare(`INSERT INTO audit_events (id, actor_id, actor_email, type, action, app_id, app_name, address, data, created_at)
    VALUES (@id, @actorId, @actorEmail, @type, @action, @appId, @appName, @address, @data, @createdAt)`);
  const old = db.prepare("DELETE FROM audit_events WHERE created_at < ?");
  const beyond = db.prepare("DELETE FROM audit_events WHERE seq <= (SELECT max(seq) FROM audit_events) - ?");
  const select = (order: "ASC" | "DESC") => db.prepare<Record<string, unknown>, Row>(`SELECT ${COLUMNS} FROM audit_events
    WHERE seq BETWEEN @lowest AND @highest AND (@type IS NULL OR type = @type) AND (@action IS NULL OR action = @action) AND (@actor IS NULL OR @actor IN (actor_id, actor_email))
      AND (@app IS NULL OR @app IN (app_id, app_name)) AND (@after IS NULL OR created_at >= @after) AND (@before IS NULL OR created_at < @before)
    ORDER BY seq ${order} LIMIT @limit`);
  const [oldestFirst, newestFirst] = [select("ASC"), select("DESC")];
  return {
    /** Writes one, and lets those go that are older than `since`, or more than `most`. */
    add: (event: Omit<AuditEvent, "seq">, { since, most }: { since: string; most: number }): void =>
      db.transaction(() => {
        insert.run({ ...event, data: JSON.stringify(event.data) });
        old.run(since);
        beyond.run(most);
      }).immediate(),
    list({ type, action, actor, app, after, before, newestFirst: newest, ...rest }: AuditQuery): AuditEvent[] {
      const rows = (newest ? newestFirst : oldestFirst).all({ ...rest, type: type ?? null, action: action ?? null, actor: actor ?? null, app: app ?? null, after: after ?? null, before: before ?? null });
      return rows.map((row) => ({
        seq: row.seq, id: row.id, actorId: row.actor_id, actorEmail: row.actor_email, type: row.type, action: row.action, appId: row.app_id, appName: row.app_name,
        address: row.address, data: JSON.parse(row.data) as Record<string, unknown>, createdAt: row.created_at,
      }));
    },
  };
}
