import type { AppTransfer } from "../domain/model.ts";
import type { Db } from "./database.ts";

type Row = { id: string; app_id: string; owner_id: string; recipient_id: string; state: AppTransfer["state"]; created_at: string; updated_at: string };
const COLUMNS = "id, app_id, owner_id, recipient_id, state, created_at, updated_at";

export type AppTransfers = ReturnType<typeof createAppTransfers>;

/** Apps on their way to another owner. */
export function createAppTransfers(db: Db) {
  const insert = db.prepare(`INSERT INTO app_transfers (${COLUMNS}) VALUES (@id, @appId, @ownerId, @recipientId, @state, @createdAt, @updatedAt)`);
  const byId = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM app_transfers WHERE id = ?`);
  const pending = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM app_transfers WHERE app_id = ? AND state = 'pending'`);
  const ofUser = db.prepare<{ userId: string }, Row>(`SELECT ${COLUMNS} FROM app_transfers WHERE owner_id = @userId OR recipient_id = @userId ORDER BY created_at, id`);
  const move = db.prepare("UPDATE app_transfers SET state = ?, updated_at = ? WHERE id = ?");
  const remove = db.prepare("DELETE FROM app_transfers WHERE id = ?");
  return {
    /** @throws SqliteError SQLITE_CONSTRAINT_UNIQUE when one of the app is pending. */
    insert: (transfer: AppTransfer): void => void insert.run(transfer),
    find: (id: string): AppTransfer | undefined => toTransfer(byId.get(id)),
    pendingOf: (appId: string): AppTransfer | undefined => toTransfer(pending.get(appId)),
    /** Those that this person gives or gets, oldest first. */
    list: (userId: string): AppTransfer[] => ofUser.all({ userId }).map((row) => toTransfer(row) as AppTransfer),
    move: (id: string, state: AppTransfer["state"], now: string): void => void move.run(state, now, id),
    remove: (id: string): void => void remove.run(id),
  };
}

function toTransfer(row: Row | undefined): AppTransfer | undefined {
  return row && { id: row.id, appId: row.app_id, ownerId: row.owner_id, recipientId: row.recipient_id, state: row.state, createdAt: row.created_at, updatedAt: row.updated_at };
}
