/** Tokens in HTTP: where they stand in a request, and how one is made and stored. */

import { createHash, randomBytes } from "node:crypto";

const PREFIX_LENGTH = 12;
const OWN = /^paas_[A-Za-z0-9_-]{43}$/;

/** A new token: 256 random bits behind a word that secret scanners can recognise. */
export function newToken(): string {
  return `paas_${randomBytes(32).toString("base64url")}`;
}

/** Whether it has the form of those that newToken makes: 256 bits that nobody guesses. One that a person chose may be weaker. */
export function isOwnToken(token: string): boolean {
  return OWN.test(token);
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
  const [, bearer] = /^bearer +([\x21-\x7e]{1,4096})$/i.exec(header ?? "") ?? [];
  return bearer ?? basicFromAuthorization(header)?.password;
}

/** User name and password of a `Basic` Authorization header; undefined when there is none, or no password in it. */
export function basicFromAuthorization(header: string | undefined): { name: string; password: string } | undefined {
  const [, value] = /^basic +([\x21-\x7e]{1,4096})$/i.exec(header ?? "") ?? [];
  const decoded = Buffer.from(value ?? "", "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  const password = decoded.slice(colon + 1);
  return colon < 0 || password === "" ? undefined : { name: decoded.slice(0, colon), password };
}
