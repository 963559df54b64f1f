/** Heads rewritten for the other side: end-to-end lines copied, hop-by-hop ones left out, framing said anew (RFC 9110 7.6). */

import { ACCEPT, EXPECT, FIELD_IDS, HOST, OTHER, SET_COOKIE, X_FORWARDED_FOR, X_REQUEST_ID } from "./field-names.ts";
import type { FieldLines } from "./field-lines.ts";
import { CHUNKED, LENGTH, NO_BODY } from "./framing.ts";
import type { RequestHead } from "./request-head.ts";
import type { ResponseHead } from "./response-head.ts";

const TO_APP = idSet(OTHER, HOST, ACCEPT, SET_COOKIE);
const TO_CLIENT = idSet(OTHER, HOST, ACCEPT, SET_COOKIE, EXPECT, X_FORWARDED_FOR, X_REQUEST_ID);

/** How the response's body reaches the client, and field lines of the router's own. */
export type ClientFraming = { chunked: boolean; close: boolean; http10: boolean; fields: string };

/** Where a request comes from; `origin`: the lines that are the same for every request of a connection (proto and port, each with CR LF). */
export type Sender = { readonly address: string; readonly origin: string; readonly protocol: Protocol };

/** The HTTP that a client's connection speaks, at its best. */
export type Protocol = "1.1" | "2.0";

/** RFC 9110 7.6.3: a gateway says in each request which HTTP it came by, and by what name it goes itself. Heroku's router says it in responses, too. */
const VIA = { "1.0": "Via: 1.0 paas\r\n", "1.1": "Via: 1.1 paas\r\n", "2.0": "Via: 2.0 paas\r\n" };

/** The request head for the app; `startedAt` is Unix time in ms (Heroku's X-Request-Start). */
export function requestHeadForApp(head: RequestHead, { address, origin, protocol }: Sender, requestId: string, startedAt: number): string {
  const line = head.copyLine ? "" : `${head.method} ${head.target} HTTP/1.1\r\n`;
  const kept = keptLines(head.bytes, head.lines, head.copyLine ? head.lineAt : head.fieldsAt, head.fieldsAt, TO_APP, head.nominated);
  const forwardedFor = head.forwardedFor === "" ? address : `${head.forwardedFor}, ${address}`;
  return `${line}${kept}X-Forwarded-For: ${forwardedFor}\r\n${origin}X-Request-Id: ${requestId}\r\nX-Request-Start: ${startedAt}\r\n${VIA[head.minor === 0 ? "1.0" : protocol]}${requestFraming(head)}\r\n`;
}

/** The response head for the client. */
export function responseHeadForClient(bytes: Buffer, head: ResponseHead, to: ClientFraming): string {
  let line = "";
  let from = head.lineAt;
  if (head.minor === 0 || bytes[head.lineAt + 12] !== 32) {
    line = `HTTP/1.1 ${head.status} ${bytes.toString("latin1", head.lineAt + 13, head.fieldsAt - 2)}\r\n`;
    from = head.fieldsAt;
  }
  const kept = keptLines(bytes, head.lines, from, head.fieldsAt, TO_CLIENT, head.nominated);
  const connection = to.close ? "Connection: close\r\n" : to.http10 ? "Connection: keep-alive\r\n" : "";
  return `${line}${kept}${VIA[head.minor === 0 ? "1.0" : "1.1"]}${to.fields}${responseFraming(head, to)}${connection}\r\n`;
}

/** The 101 that opens a WebSocket (RFC 9110 15.2.2). */
export function switchingHeadForClient(bytes: Buffer, head: ResponseHead): string {
  const kept = keptLines(bytes, head.lines, head.fieldsAt, head.fieldsAt, TO_CLIENT, head.nominated);
  return `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${kept}\r\n`;
}

/** An interim response other than 100 (RFC 9110 15.2), such as 103 Early Hints. */
export function interimHeadForClient(bytes: Buffer, head: ResponseHead): string {
  return `${keptLines(bytes, head.lines, head.lineAt, head.fieldsAt, TO_CLIENT, head.nominated)}\r\n`;
}

function requestFraming(head: RequestHead): string {
  if (head.websocket) return "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  if (head.body === LENGTH) return `Content-Length: ${head.length}\r\n`;
  return head.body === CHUNKED ? "Transfer-Encoding: chunked\r\n" : "";
}

function responseFraming(head: ResponseHead, to: ClientFraming): string {
  if (to.chunked || (head.body === NO_BODY && head.announcesChunked && !to.http10)) return "Transfer-Encoding: chunked\r\n";
  const known = head.body === LENGTH || (head.body === NO_BODY && head.length >= 0);
  return known ? `Content-Length: ${head.length}\r\n` : "";
}

/**
 * The octets from `from` on, without the field lines whose id is not in `keep` or whose name is nominated. Neighbouring
 * lines are copied in one piece: every octet in them was checked by the scan.
 */
function keptLines(bytes: Buffer, lines: FieldLines, from: number, fieldsAt: number, keep: Uint8Array, nominated: string[] | null): string {
  let kept = "";
  let run = from;
  let behind = fieldsAt;
  for (let i = 0; i < lines.count; i++) {
    const next = lines.at[i * 5 + 4]!;
    if (keep[lines.id[i]!] === 0 || (nominated !== null && nominated.includes(lines.name(bytes, i)))) {
      if (behind > run) kept += bytes.toString("latin1", run, behind);
      run = next;
    }
    behind = next;
  }
  return behind > run ? kept + bytes.toString("latin1", run, behind) : kept;
}

function idSet(...ids: number[]): Uint8Array {
  const set = new Uint8Array(FIELD_IDS);
  for (const id of ids) set[id] = 1;
  return set;
}
