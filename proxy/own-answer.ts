/** What the router answers in an app's place although the app is well: ACME's challenges, and the way to TLS. */

import { STATUS_CODES } from "./node-http.ts";
import type { RequestHead } from "./request-head.ts";

/** RFC 8555 8.3. */
const CHALLENGE_PATH = "/.well-known/acme-challenge/";

export type OwnAnswer = { status: number; field: string; body: string };

/** The answer to ACME's authority, when the request is for a challenge that is in force. */
export function challengeAnswer(head: RequestHead, challenges: Map<string, string>): OwnAnswer | null {
  if (!head.target.startsWith(CHALLENGE_PATH)) return null;
  const body = challenges.get(head.target.slice(CHALLENGE_PATH.length));
  return body === undefined ? null : { status: 200, field: "Content-Type: application/octet-stream", body };
}

/**
 * The redirect to the same URL over TLS. GET and HEAD may become another method on the way (301), others must not (308,
 * RFC 9110 15.4.9).
 */
export function redirectToTls(head: RequestHead, tlsPort: number): OwnAnswer {
  const port = tlsPort === 443 ? "" : `:${tlsPort}`;
  const plain = head.method === "GET" || head.method === "HEAD";
  return { status: plain ? 301 : 308, field: `Location: https://${head.host}${port}${head.target}`, body: "" };
}

/** The whole response. */
export function ownResponse({ status, field, body }: OwnAnswer, toHead: boolean, connection: "close" | "keep-alive" | null): string {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`, `Date: ${new Date().toUTCString()}`, field, `Content-Length: ${Buffer.byteLength(body)}`];
  if (connection !== null) lines.push(`Connection: ${connection}`);
  return `${lines.join("\r\n")}\r\n\r\n${toHead ? "" : body}`;
}
