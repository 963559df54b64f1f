import type { Collaborator } from "../domain/model.ts";
import type { Db } from "./database.ts";

type Row = { id: string; app_id: string; user_id: string; created_at: string };
const COLUMNS = "id, app_id, user_id, created_at";

export type Collaborators = ReturnType<typeof createCollaborators>;

/** Who besides its owner may use an app. */
export function createCollaborators(db: Db) {
  const insert = db.prepare(`INSERT INTO collaborators (${COLUMNS}) VALUES (@id, @appId, @userId, @createdAt)`);
  const byApp = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM collaborators WHERE app_id = ? ORDER BY created_at, id`);
  const one = db.prepare<[string, string], Row>(`SELECT ${COLUMNS} FROM collaborators WHERE app_id = ? AND user_id = ?`);
  const appIds = db.prepare<[string], { app_id: string }>("SELECT app_id FROM collaborators WHERE user_id = ?");
  const remove = db.prepare("DELETE FROM collaborators WHERE app_id = ? AND user_id = ?");
  return {
    /** @throws SqliteError SQLITE_CONSTRAINT_UNIQUE when the person is one already. */
    insert: (collaborator: Collaborator): void => void insert.run(collaborator),
    /** Oldest first. */
    list: (appId: string): Collaborator[] => byApp.all(appId).map((row) => toCollaborator(row) as Collaborator),
    find: (appId: string, userId: string): Collaborator | undefined => toCollaborator(one.get(appId, userId)),
    /** Apps that this person may use without owning them. */
    appIds: (userId: string): string[] => appIds.all(userId).map((row) => row.app_id),
    remove: (appId: string, userId: string): void => void remove.run(appId, userId),
  };
}

function toCollaborator(row: Row | undefined): Collaborator | undefined {
  return row && { id: row.id, appId: row.app_id, userId: row.user_id, createdAt: row.created_at };
}
