/**
 * HTTP/2 towards clients (RFC 9113). Each stream becomes a request of HTTP/1.1 on a wire of its own to a ClientConnection, so
 * that there is one parser, one set of rules, one table and one log. Node's own HTTP client speaks at the outer end: this road
 * costs more than HTTP/1.1's, and nobody pays for it who does not take it.
 */

import type { IncomingMessage } from "node:http";
import type { Http2Session, IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { TLSSocket } from "node:tls";
import type { Limits } from "./limits.ts";
import { request } from "./node-http.ts";
import { type Line, createWire } from "./wire.ts";

/** Streams that a client may take back at once, and per second after that: "rapid reset" (CVE-2023-44487) makes work that nobody waits for. */
const RESETS = { streamResetBurst: 200, streamResetRate: 20 };
/** RFC 9113 5.1.1: streams have numbers of 31 bits. */
const EVERY_STREAM = 2 ** 31 - 1;
/** RFC 9113 8.2.2: said by the connection, not by a message. */
const CONNECTION_FIELDS = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);

/** @param accept serves the wire's inner end as it does a client's socket */
export function serveHttp2(socket: TLSSocket, limits: Limits, accept: (inner: Line) => void): Http2Session {
  const { performServerHandshake } = process.getBuiltinModule("node:http2");
  const session = performServerHandshake(socket, {
    settings: { maxConcurrentStreams: limits.http2Streams, maxHeaderListSize: limits.headBytes, enableConnectProtocol: false },
    maxHeaderListPairs: limits.fields,
    ...RESETS,
  });
  session.on("error", () => {});
  session.setTimeout(limits.clientIdleMs, () => session.destroy());
  session.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, fields: string[]) => {
    stream.on("error", () => {});
    const target = requestOf(headers, fields, stream.endAfterHeaders);
    if (target === null) return stream.respond({ ":status": 400 }, { endStream: true });
    exchange(stream, target, limits, accept);
  });
  return session;
}

/** RFC 9113 6.8: first a GOAWAY that still takes every stream; the one that names the last comes when the client must have read it. None falls between the two. */
export function sayGoAway(session: Http2Session): void {
  if (session.closed || session.destroyed) return;
  session.goaway(0, EVERY_STREAM);
  if (!session.ping(() => session.close())) session.close();
}

type Request = { method: string; path: string; headers: string[] };

/** The request as HTTP/1.1 says it; null where that cannot be said, or would say two things (RFC 9113 8.3.1). */
function requestOf(headers: IncomingHttpHeaders, fields: string[], bodiless: boolean): Request | null {
  const { ":method": method = "", ":path": path = "", ":authority": authority, host } = headers;
  if (method === "CONNECT" || (authority !== undefined && host !== undefined && authority !== host)) return null;
  if (!path.startsWith("/") && path !== "*") return null;
  const kept = ["Host", authority ?? host ?? ""];
  let hosts = 0;
  const cookies: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const [name, value] = [fields[i]!, fields[i + 1]!];
    // RFC 9113 8.2.3: crumbs of one field.
    if (name === "host" && ++hosts > 1) return null;
    if (name === "cookie") cookies.push(value);
    else if (!name.startsWith(":") && name !== "host" && !CONNECTION_FIELDS.has(name)) kept.push(name, value);
  }
  if (cookies.length > 0) kept.push("cookie", cookies.join("; "));
  // A body is framed in any case: Node's client sends that of a GET bare.
  if (headers["content-length"] === undefined) kept.push(...(bodiless ? ["GET", "HEAD"].includes(method) ? [] : ["Content-Length", "0"] : ["Transfer-Encoding", "chunked"]));
  return { method, path, headers: kept };
}

function exchange(stream: ServerHttp2Stream, { method, path, headers }: Request, limits: Limits, accept: (inner: Line) => void): void {
  const [outer, inner] = createWire();
  accept(inner);
  let asking: ReturnType<typeof request>;
  try {
    asking = request({ method, path, headers, createConnection: () => outer, maxHeaderSize: limits.responseHeadBytes + limits.headBytes });
  } catch {
    // A field that HTTP/1.1 cannot hold.
    outer.destroy();
    return stream.respond({ ":status": 400 }, { endStream: true });
  }
  asking.maxHeadersCount = 0;
  asking.on("error", () => breakOff(stream));
  asking.on("continue", () => stream.additionalHeaders({ ":status": 100 }));
  asking.on("information", ({ statusCode, headers: early }) => void (statusCode === 103 && stream.additionalHeaders({ ":status": 103, ...early })));
  asking.on("response", (response) => {
    response.on("error", () => breakOff(stream));
    stream.respond(responseOf(response));
    response.pipe(stream);
  });
  stream.pipe(asking);
  // RFC 9113 8.1: a client that is still sending when it has its answer is told that the rest is not needed. In the next turn, when the answer's
  // end is on its way: a reset before it would take it along.
  stream.on("finish", () => {
    if (!stream.endAfterHeaders && !stream.readableEnded) setImmediate(() => stream.close());
  });
  // Reset by the client, or done: either way nobody waits for anything any more.
  stream.on("close", () => asking.destroy());
}

/** A response that cannot be completed must not look complete: the stream is reset (INTERNAL_ERROR), without an end of its data. */
function breakOff(stream: ServerHttp2Stream): void {
  if (!stream.writableEnded) stream.destroy(new Error("the response broke off"));
}

function responseOf({ statusCode, rawHeaders }: IncomingMessage): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = { ":status": statusCode };
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    if (CONNECTION_FIELDS.has(name)) continue;
    const before = fields[name];
    fields[name] = before === undefined ? rawHeaders[i + 1]! : [before as string | string[], rawHeaders[i + 1]!].flat();
  }
  return fields;
}
