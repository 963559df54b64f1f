import type { LogDrain } from "../domain/model.ts";
import type { Db } from "./database.ts";

type Row = { id: string; app_id: string; url: string; token: string; created_at: string; updated_at: string };
const COLUMNS = "id, app_id, url, token, created_at, updated_at";

export type LogDrains = ReturnType<typeof createLogDrains>;

/** Log drains. An app has one of each URL. */
export function createLogDrains(db: Db) {
  const insert = db.prepare(`INSERT INTO log_drains (${COLUMNS}) VALUES (@id, @appId, @url, @token, @createdAt, @updatedAt)`);
  const remove = db.prepare("DELETE FROM log_drains WHERE id = ?");
  const byApp = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM log_drains WHERE app_id = ? ORDER BY created_at, id`);
  const all = db.prepare<[], Row>(`SELECT ${COLUMNS} FROM log_drains ORDER BY created_at, id`);
  return {
    /** @throws SqliteError SQLITE_CONSTRAINT_UNIQUE when the app has a drain of that URL. */
    insert: (drain: LogDrain): void => void insert.run(drain),
    remove: (id: string): void => void remove.run(id),
    /** Oldest first. */
    list: (appId: string): LogDrain[] => byApp.all(appId).map(toLogDrain),
    listAll: (): LogDrain[] => all.all().map(toLogDrain),
  };
}

function toLogDrain(row: Row): LogDrain {
  return { id: row.id, appId: row.app_id, url: row.url, token: row.token, createdAt: row.created_at, updatedAt: row.updated_at };
}
