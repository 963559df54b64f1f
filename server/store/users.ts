import { randomUUID } from "node:crypto";
import type { User } from "../domain/model.ts";
import type { Db } from "./database.ts";

type Row = { id: string; email: string; name: string | null; admin: number; created_at: string };
const COLUMNS = "id, email, name, admin, created_at";

export type Users = ReturnType<typeof createUsers>;

/** People. */
export function createUsers(db: Db) {
  const insert = db.prepare(`INSERT INTO users (${COLUMNS}) VALUES (@id, @email, @name, @admin, @createdAt)`);
  const byId = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM users WHERE id = ?`);
  const byEmail = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM users WHERE email = ?`);
  const firstAdmin = db.prepare<[], Row>(`SELECT ${COLUMNS} FROM users WHERE admin = 1 ORDER BY created_at LIMIT 1`);
  return {
    /** @throws SqliteError SQLITE_CONSTRAINT_UNIQUE when the address is taken. */
    create(email: string, options: { admin: boolean; name?: string }): User {
      const user: User = { id: randomUUID(), email, name: options.name ?? null, admin: options.admin, createdAt: new Date().toISOString() };
      insert.run({ ...user, admin: user.admin ? 1 : 0 });
      return user;
    },
    find: (id: string): User | undefined => toUser(byId.get(id)),
    findFirstAdmin: (): User | undefined => toUser(firstAdmin.get()),
    findByEmail: (email: string): User | undefined => toUser(byEmail.get(email)),
  };
}

function toUser(row: Row | undefined): User | undefined {
  return row && { id: row.id, email: row.email, name: row.name, admin: row.admin === 1, createdAt: row.created_at };
}
