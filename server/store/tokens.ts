import { randomUUID, timingSafeEqual } from "node:crypto";
import { tokenDigest } from "../domain/credentials.ts";
import type { Authorization } from "../domain/model.ts";
import type { Scope } from "../domain/scope.ts";
import type { Db } from "./database.ts";

type Row = { id: string; user_id: string; description: string; scope: string; session: number; created_at: string; issued_at: string | null; updated_at: string | null; expires_at: string | null };
const COLUMNS = "id, user_id, description, scope, session, created_at, issued_at, updated_at, expires_at";
/** How long an expired token's row is kept. */
const KEPT_MS = 30 * 24 * 3600 * 1000;

export type Tokens = ReturnType<typeof createTokens>;

/** Authorizations and their tokens, which are kept as digests only. */
export function createTokens(db: Db) {
  const insert = db.prepare(`INSERT INTO tokens (${COLUMNS}, prefix, sha256) VALUES (@id, @userId, @description, @scope, @session, @createdAt, @createdAt, @createdAt, @expiresAt, @prefix, @sha256)`);
  const byPrefix = db.prepare<[string], Row & { sha256: Buffer }>(`SELECT ${COLUMNS}, sha256 FROM tokens WHERE prefix = ?`);
  const byId = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM tokens WHERE id = ?`);
  const byUser = db.prepare<[string, string], Row>(`SELECT ${COLUMNS} FROM tokens WHERE user_id = ? AND (expires_at IS NULL OR expires_at > ?) ORDER BY created_at, id`);
  const describe = db.prepare("UPDATE tokens SET description = ?, updated_at = ? WHERE id = ?");
  const replace = db.prepare("UPDATE tokens SET prefix = @prefix, sha256 = @sha256, issued_at = @now, updated_at = @now, expires_at = @expiresAt WHERE id = @id");
  const remove = db.prepare("DELETE FROM tokens WHERE id = ?");
  const byDescription = db.prepare<[string, string]>("DELETE FROM tokens WHERE user_id = ? AND description = ?");
  const expired = db.prepare<[string]>("DELETE FROM tokens WHERE expires_at < ?");

  const find = (token: string): Authorization | undefined => {
    const { prefix, sha256 } = tokenDigest(token);
    const now = new Date().toISOString();
    return toAuthorization(byPrefix.all(prefix).find((row) => timingSafeEqual(row.sha256, sha256) && (row.expires_at === null || row.expires_at > now)));
  };
  return {
    /** Remembers a token's digest. The text itself is nobody's after that. */
    add(userId: string, token: string, description: string, expiresAt: Date | null = null, { scope = ["global"], session = false }: { scope?: readonly Scope[]; session?: boolean } = {}): Authorization {
      const { prefix, sha256 } = tokenDigest(token);
      const now = new Date();
      expired.run(new Date(now.getTime() - KEPT_MS).toISOString());
      const id = randomUUID();
      insert.run({ id, userId, description, scope: JSON.stringify(scope), session: session ? 1 : 0, createdAt: now.toISOString(), expiresAt: expiresAt?.toISOString() ?? null, prefix, sha256 });
      return toAuthorization(byId.get(id)) as Authorization;
    },
    /** The authorization whose token this is; the comparison takes the same time wherever the two differ. */
    find,
    /** The id of the user whose token this is. */
    userIdFor: (token: string): string | undefined => find(token)?.userId,
    /** By the authorization's own id. */
    get: (id: string): Authorization | undefined => toAuthorization(byId.get(id)),
    /** A user's that have not expired, oldest first. */
    list: (userId: string): Authorization[] => byUser.all(userId, new Date().toISOString()).map((row) => toAuthorization(row) as Authorization),
    describe: (id: string, description: string, now: string): void => void describe.run(description, now, id),
    /** Another token in the place of the old one, which opens nothing from now on. */
    replace(id: string, token: string, expiresAt: Date | null, now: string): void {
      replace.run({ ...tokenDigest(token), id, now, expiresAt: expiresAt?.toISOString() ?? null });
    },
    remove: (id: string): void => void remove.run(id),
    /** Forgets a user's tokens of one description. */
    removeByDescription(userId: string, description: string): void {
      byDescription.run(userId, description);
    },
  };
}

function toAuthorization(row: Row | undefined): Authorization | undefined {
  return row && {
    id: row.id, userId: row.user_id, description: row.description, scope: JSON.parse(row.scope) as Scope[], session: row.session === 1, createdAt: row.created_at,
    issuedAt: row.issued_at ?? row.created_at, updatedAt: row.updated_at ?? row.created_at, expiresAt: row.expires_at,
  };
}
