/** One line a request in Heroku's router format (devcenter: http-routing, "Heroku router log format"). */

import type { Failure } from "./failure.ts";

export type AccessEntry = {
  failure: Pick<Failure, "code" | "description"> | null;
  method: string;
  path: string;
  host: string;
  requestId: string;
  forwardedFor: string;
  dyno: string;
  connectMs: number;
  serviceMs: number;
  status: number;
  bytes: number;
  /** It came with TLS. */
  secure: boolean;
};

/** Takes lines without ever waiting: what does not fit is dropped and counted. */
export type AccessLog = { add(line: string): void };

/** The line, without its line feed. The values hold no control octet: the parser let none in. */
export function accessLine(entry: AccessEntry): string {
  const { failure } = entry;
  const level = failure === null ? "at=info" : failure.code === null ? `at=info desc="${failure.description}"` : `at=error code=${failure.code} desc="${failure.description}"`;
  return `${level} method=${entry.method} path="${quoted(entry.path)}" host=${entry.host} request_id=${entry.requestId} fwd="${quoted(entry.forwardedFor)}" dyno=${entry.dyno} connect=${Math.round(entry.connectMs)}ms service=${Math.round(entry.serviceMs)}ms status=${entry.status} bytes=${entry.bytes} protocol=${entry.secure ? "https" : "http"}`;
}

function quoted(value: string): string {
  return value.includes('"') || value.includes("\\") ? value.replace(/["\\]/g, "\\$&") : value;
}
