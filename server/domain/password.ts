/** Passwords: which are taken, and how one is kept (scrypt, RFC 7914). */

import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { invalidParams } from "../errors.ts";

const MIN_LENGTH = 10;
const MAX_LENGTH = 1000;
/**
 * One of OWASP's choices: 32 MiB for about 300 ms. Not less: glibc takes blocks above 32 MiB from the kernel and gives them back at once, smaller ones it would
 * keep, in each of four threads.
 */
const COST = { N: 2 ** 15, r: 8, p: 3 };
const DIGEST_BYTES = 32;
const KEPT = /^scrypt\$(\d+)\$(\d+)\$(\d+)\$([\w-]+)\$([\w-]+)$/;

/** @throws AppError invalid_params when it is too short to be safe. */
export function assertPassword(password: string, field: string): void {
  if ([...password].length < MIN_LENGTH) throw invalidParams(`${field}: must have at least ${MIN_LENGTH} characters.`);
  if (password.length > MAX_LENGTH) throw invalidParams(`${field}: can have at most ${MAX_LENGTH} characters.`);
}

/** What is kept of a password: a salted digest and what it cost. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const digest = await derive(password, salt, COST);
  return ["scrypt", COST.N, COST.r, COST.p, salt.toString("base64url"), digest.toString("base64url")].join("$");
}

/** Whether this is the password of which `kept` was kept. For nobody's (undefined) it takes as long and is false. */
export async function verifyPassword(password: string, kept: string | undefined): Promise<boolean> {
  const [, n, r, p, salt = "", digest = ""] = KEPT.exec(kept ?? "") ?? [];
  if (kept === undefined || digest === "") {
    await derive(password, Buffer.alloc(16), COST);
    return false;
  }
  const given = await derive(password, Buffer.from(salt, "base64url"), { N: Number(n), r: Number(r), p: Number(p) });
  const expected = Buffer.from(digest, "base64url");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** The same characters typed on another system may be other bytes: NFKC makes them one (NIST SP 800-63B). */
function derive(password: string, salt: Buffer, cost: { N: number; r: number; p: number }): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.slice(0, MAX_LENGTH).normalize("NFKC"), salt, DIGEST_BYTES, { ...cost, maxmem: 64 * 1024 * 1024 }, (error, digest) => (error ? reject(error) : resolve(digest)));
  });
}
