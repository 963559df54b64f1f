import type { StoredSshKey } from "../domain/model.ts";
import type { Db } from "./database.ts";

type Row = { id: string; user_id: string; public_key: string; comment: string; fingerprint: string; created_at: string };
const COLUMNS = "id, user_id, public_key, comment, fingerprint, created_at";

export type SshKeys = ReturnType<typeof createSshKeys>;

/** People's SSH public keys. */
export function createSshKeys(db: Db) {
  const insert = db.prepare(`INSERT INTO ssh_keys (${COLUMNS}) VALUES (@id, @userId, @publicKey, @comment, @fingerprint, @createdAt)`);
  const byUser = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM ssh_keys WHERE user_id = ? ORDER BY created_at, id`);
  const one = db.prepare<{ userId: string; key: string }, Row>(`SELECT ${COLUMNS} FROM ssh_keys WHERE user_id = @userId AND (id = @key OR fingerprint = @key)`);
  const remove = db.prepare("DELETE FROM ssh_keys WHERE id = ?");
  return {
    /** @throws SqliteError SQLITE_CONSTRAINT_UNIQUE when the person has this key already. */
    insert: (key: StoredSshKey): void => void insert.run(key),
    /** Oldest first. */
    list: (userId: string): StoredSshKey[] => byUser.all(userId).map((row) => toKey(row) as StoredSshKey),
    /** By id or fingerprint. */
    find: (userId: string, key: string): StoredSshKey | undefined => toKey(one.get({ userId, key })),
    remove: (id: string): void => void remove.run(id),
  };
}

function toKey(row: Row | undefined): StoredSshKey | undefined {
  return row && { id: row.id, userId: row.user_id, publicKey: row.public_key, comment: row.comment, fingerprint: row.fingerprint, createdAt: row.created_at };
}
