import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";

const SANE = /^[A-Za-z0-9._:-]{1,200}$/;

/**
 * The id that log lines and the answer carry: the client's own where it is sane, else a new one. Heroku's CLI sends all
 * ids of its run, newest first and parted by commas: the first is taken, for answering the list would double it each time.
 */
export function requestId(request: Pick<IncomingMessage, "headers">): string {
  const given = request.headers["request-id"] ?? request.headers["x-request-id"];
  const [first] = (Array.isArray(given) ? given.join(",") : given ?? "").split(",", 1);
  const id = first?.trim() ?? "";
  return SANE.test(id) ? id : randomUUID();
}
