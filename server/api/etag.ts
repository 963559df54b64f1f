/** Entity tags, so that a client that polls gets 304 for what it has (RFC 9110 section 13). */

import type { FastifyInstance } from "fastify";
import { createHash } from "node:crypto";

/** Tags every successful JSON answer to GET and HEAD; a matching If-None-Match turns it into 304. */
export function answerConditionally(api: FastifyInstance): void {
  api.addHook("onSend", async (request, reply, payload) => {
    const readable = request.method === "GET" || request.method === "HEAD";
    if (!readable || typeof payload !== "string" || (reply.statusCode !== 200 && reply.statusCode !== 206)) return payload;
    const tag = `"${createHash("sha256").update(payload).digest("base64url").slice(0, 27)}"`;
    reply.header("ETag", tag).header("Cache-Control", "private, no-cache");
    if (!matches(request.headers["if-none-match"], tag)) return payload;
    reply.code(304).removeHeader("content-type").removeHeader("content-length");
    return null;
  });
}

/** RFC 9110 section 13.1.2: `*`, or any tag of the list by the weak comparison. */
function matches(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === "*" || header.split(",").some((given) => given.trim().replace(/^W\//, "") === tag);
}
