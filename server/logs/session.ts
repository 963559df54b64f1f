/** Log sessions: a URL that shows an app's lines to whoever has it, for a short time. */

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { LogFilter } from "./line.ts";

export type LogSession = LogFilter & {
  id: string;
  appId: string;
  /** How many of the last lines come first. */
  lines: number;
  tail: boolean;
  /** Milliseconds since the epoch. */
  expiresAt: number;
};

/** A client that is cut off comes back to the same URL for so long. */
export const SESSION_MS = 60 * 60 * 1000;

/** What a request may leave out (devcenter: log-session). */
export const DEFAULT_LINES = 100;
export const MAX_LINES = 1500;

export type Sessions = {
  /** The last part of the session's URL. */
  seal(session: LogSession): string;
  /** The session of a URL's last part; undefined where it was not made here, or is over. */
  open(sealed: string): LogSession | undefined;
};

/** @param keyFile holds the key that sessions are signed with, so that they outlive a restart; made where it is missing */
export function createSessions(keyFile: string, now: () => number = Date.now): Sessions {
  if (!existsSync(keyFile)) writeFileSync(keyFile, randomBytes(32), { mode: 0o600 });
  const key = readFileSync(keyFile);
  const sign = (text: string): Buffer => createHmac("sha256", key).update(text).digest();
  return {
    seal(session) {
      const text = Buffer.from(JSON.stringify(session)).toString("base64url");
      return `${text}.${sign(text).toString("base64url")}`;
    },
    open(sealed) {
      const [text = "", signature = ""] = sealed.split(".");
      const [given, expected] = [Buffer.from(signature, "base64url"), sign(text)];
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
      const session = JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as LogSession;
      return session.expiresAt > now() ? session : undefined;
    },
  };
}
