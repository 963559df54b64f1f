/** When an authority is asked for a certificate: a renewal in time, and more and more patience after failures. */

import type { Domain } from "./model.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Let's Encrypt takes five failed validations of a host in an hour. */
const FIRST_WAIT_MS = 5 * MINUTE_MS;

/** When a certificate is renewed: with a third of its lifetime left. */
export function renewalTime({ startsAt, expiresAt }: { startsAt: string; expiresAt: string }): string {
  const [start, end] = [Date.parse(startsAt), Date.parse(expiresAt)];
  return new Date(end - (end - start) / 3).toISOString();
}

/**
 * When the next try is due after the given number of failures: 5 min, 10 min, 20 min … a day, and not before what the authority asks for.
 * @param random 0 to 1: spreads tries by up to a tenth
 */
export function nextTry(failures: number, now: Date, random: number, retryAfterMs = 0): string {
  const wait = Math.min(FIRST_WAIT_MS * 2 ** Math.min(failures - 1, 20), DAY_MS);
  return new Date(now.getTime() + Math.max(wait * (1 + random / 10), Math.min(retryAfterMs, 7 * DAY_MS))).toISOString();
}

/**
 * The domain with ACM's part in it begun or ended: an authority is asked where ACM is on and no certificate that a person brought is bound.
 * @param brought whether such a certificate is bound
 */
export function underAcm(domain: Domain, acm: boolean, brought: boolean, now: string): Domain {
  if (!acm || brought) return { ...domain, acmStatus: null, acmStatusReason: null, acmFailures: 0, acmDueAt: null };
  return domain.acmStatus === null ? { ...domain, acmStatus: "pending", acmDueAt: now } : domain;
}
