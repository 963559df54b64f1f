import { randomUUID } from "node:crypto";
import type { Account, User } from "../domain/model.ts";
import type { Db } from "./database.ts";

type Row = { id: string; email: string; name: string | null; admin: number; created_at: string; updated_at: string | null; last_login: string | null; suspended_at: string | null };
const COLUMNS = "id, email, name, admin, created_at, updated_at, last_login, suspended_at";

export type Users = ReturnType<typeof createUsers>;

/** People. */
export function createUsers(db: Db) {
  const insert = db.prepare("INSERT INTO users (id, email, name, admin, created_at) VALUES (@id, @email, @name, @admin, @createdAt)");
  const byId = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM users WHERE id = ?`);
  const byEmail = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM users WHERE email = ?`);
  const firstAdmin = db.prepare<[], Row>(`SELECT ${COLUMNS} FROM users WHERE admin = 1 ORDER BY created_at LIMIT 1`);
  const all = db.prepare<[], Row>(`SELECT ${COLUMNS} FROM users ORDER BY email`);
  const update = db.prepare("UPDATE users SET email = @email, name = @name, admin = @admin, suspended_at = @suspendedAt, updated_at = @updatedAt WHERE id = @id");
  const password = db.prepare<[string], { password: string | null }>("SELECT password FROM users WHERE id = ?");
  const setPassword = db.prepare("UPDATE users SET password = ?, updated_at = ? WHERE id = ?");
  const loggedIn = db.prepare("UPDATE users SET last_login = ? WHERE id = ?");
  return {
    /** @throws SqliteError SQLITE_CONSTRAINT_UNIQUE when the address is taken. */
    create(email: string, options: { admin: boolean; name?: string }): Account {
      const user: User = { id: randomUUID(), email, name: options.name ?? null, admin: options.admin, createdAt: new Date().toISOString() };
      insert.run({ ...user, admin: user.admin ? 1 : 0 });
      return { ...user, updatedAt: user.createdAt, lastLogin: null, suspendedAt: null };
    },
    find: (id: string): Account | undefined => toAccount(byId.get(id)),
    findFirstAdmin: (): Account | undefined => toAccount(firstAdmin.get()),
    findByEmail: (email: string): Account | undefined => toAccount(byEmail.get(email)),
    /** By address. */
    list: (): Account[] => all.all().map((row) => toAccount(row) as Account),
    /** Everything but the password and the last login. @throws SqliteError SQLITE_CONSTRAINT_UNIQUE when the address is taken. */
    update: (account: Account): void => void update.run({ ...account, admin: account.admin ? 1 : 0 }),
    /** What is kept of the password; undefined where there is none. */
    password: (id: string): string | undefined => password.get(id)?.password ?? undefined,
    setPassword: (id: string, kept: string, now: string): void => void setPassword.run(kept, now, id),
    loggedIn: (id: string, now: string): void => void loggedIn.run(now, id),
  };
}

function toAccount(row: Row | undefined): Account | undefined {
  return row && {
    id: row.id, email: row.email, name: row.name, admin: row.admin === 1, createdAt: row.created_at,
    updatedAt: row.updated_at ?? row.created_at, lastLogin: row.last_login, suspendedAt: row.suspended_at,
  };
}
