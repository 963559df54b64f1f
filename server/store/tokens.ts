import { randomUUID, timingSafeEqual } from "node:crypto";
import { tokenDigest } from "../domain/credentials.ts";
import type { Db } from "./database.ts";

export type Tokens = ReturnType<typeof createTokens>;

/** Tokens, kept as digests only. */
export function createTokens(db: Db) {
  const insert = db.prepare("INSERT INTO tokens (id, user_id, prefix, sha256, description, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)");
  const byPrefix = db.prepare<[string], { user_id: string; sha256: Buffer; expires_at: string | null }>("SELECT user_id, sha256, expires_at FROM tokens WHERE prefix = ?");
  const byDescription = db.prepare<[string, string]>("DELETE FROM tokens WHERE user_id = ? AND description = ?");
  return {
    /** Remembers a token's digest. The text itself is nobody's after that. */
    add(userId: string, token: string, description: string, expiresAt: Date | null = null): void {
      const { prefix, sha256 } = tokenDigest(token);
      insert.run(randomUUID(), userId, prefix, sha256, description, new Date().toISOString(), expiresAt?.toISOString() ?? null);
    },
    /** The id of the user whose token this is; the comparison takes the same time wherever the two differ. */
    userIdFor(token: string): string | undefined {
      const { prefix, sha256 } = tokenDigest(token);
      const now = new Date().toISOString();
      return byPrefix.all(prefix).find((row) => timingSafeEqual(row.sha256, sha256) && (row.expires_at === null || row.expires_at > now))?.user_id;
    },
    /** Forgets a user's tokens of one description. */
    removeByDescription(userId: string, description: string): void {
      byDescription.run(userId, description);
    },
  };
}
