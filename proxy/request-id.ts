/** X-Request-Id: the client's when it is a sane one, else our own (devcenter: http-request-id). */

import { randomUUID } from "node:crypto";

export function requestIdFor(given: string): string {
  return given !== "" && /^[A-Za-z0-9_.+=/~-]{1,200}$/.test(given) ? given : randomUUID();
}
