/** Tokens in HTTP: where they stand in a request, and how one is made and stored. */

import { createHash, randomBytes } from "node:crypto";

const PREFIX_LENGTH = 12;

/** A new token: 256 random bits behind a word that secret scanners can recognise. */
export function newToken(): string {
  return `paas_${randomBytes(32).toString("base64url")}`;
}

/** What is stored of a token: a prefix to find the row by, and the digest that proves it. */
export function tokenDigest(token: string): { prefix: string; sha256: Buffer } {
  return { prefix: token.slice(0, PREFIX_LENGTH), sha256: createHash("sha256").update(token).digest() };
}

/**
 * The token that an Authorization header carries: `Bearer <token>` (RFC 6750), or `Basic` (RFC 7617) where git and
 * Heroku's clients put it into the password, the user name being anything.
 * @returns undefined when there is none or the header is malformed.
 */
export function tokenFromAuthorization(header: string | undefined): string | undefined {
  const match = /^(bearer|basic) +([\x21-\x7e]{1,4096})$/i.exec(header ?? "");
  const [, scheme, value] = match ?? [];
  if (!scheme || !value) return undefined;
  if (scheme.toLowerCase() === "bearer") return value;
  const decoded = Buffer.from(value, "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  if (colon < 0) return undefined;
  return decoded.slice(colon + 1) || undefined;
}
