import type { App } from "../domain/model.ts";
import type { Db } from "./database.ts";

type Row = { id: string; name: string; owner_id: string; created_at: string; updated_at: string };
const COLUMNS = "id, name, owner_id, created_at, updated_at";

export type Apps = ReturnType<typeof createApps>;

/** Apps. */
export function createApps(db: Db) {
  const insert = db.prepare(`INSERT INTO apps (${COLUMNS}) VALUES (@id, @name, @ownerId, @createdAt, @updatedAt)`);
  const byIdOrName = db.prepare<{ key: string }, Row>(`SELECT ${COLUMNS} FROM apps WHERE id = @key OR name = @key`);
  const all = db.prepare<[], Row>(`SELECT ${COLUMNS} FROM apps ORDER BY name`);
  const rename = db.prepare("UPDATE apps SET name = ?, updated_at = ? WHERE id = ?");
  const touch = db.prepare("UPDATE apps SET updated_at = ? WHERE id = ?");
  const stackOf = db.prepare<[string], { stack: string }>("SELECT stack FROM apps WHERE id = ?");
  const setStack = db.prepare("UPDATE apps SET stack = ?, updated_at = ? WHERE id = ?");
  const setOwner = db.prepare("UPDATE apps SET owner_id = ?, updated_at = ? WHERE id = ?");
  const remove = db.prepare("DELETE FROM apps WHERE id = ?");
  return {
    /** @throws SqliteError SQLITE_CONSTRAINT_UNIQUE when the name is taken. */
    insert: (app: App): void => void insert.run(app),
    /** By id or by name. A name can never look like an id (it has at most 30 characters). */
    find: (key: string): App | undefined => toApp(byIdOrName.get({ key })),
    list: (): App[] => all.all().map((row) => toApp(row) as App),
    rename: (id: string, name: string, now: string): void => void rename.run(name, now, id),
    touch: (id: string, now: string): void => void touch.run(now, id),
    /** What its next build is made on. */
    stack: (id: string): string => stackOf.get(id)?.stack ?? "",
    setStack: (id: string, stack: string, now: string): void => void setStack.run(stack, now, id),
    setOwner: (id: string, ownerId: string, now: string): void => void setOwner.run(ownerId, now, id),
    /** Everything of the app goes with it. */
    remove: (id: string): void => void remove.run(id),
  };
}

function toApp(row: Row | undefined): App | undefined {
  return row && { id: row.id, name: row.name, ownerId: row.owner_id, createdAt: row.created_at, updatedAt: row.updated_at };
}
