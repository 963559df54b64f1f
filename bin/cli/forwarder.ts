/** A door to the API on loopback, for one program: it opens to a token of its own, and the real one is put in its place. */

import { randomUUID, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Credentials } from "./credentials.ts";

const http = process.getBuiltinModule("node:http");
const https = process.getBuiltinModule("node:https");

/** RFC 9110 7.6.1: of this connection, and no other. */
const HOP_BY_HOP = new Set(["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "host", "authorization"]);

export type Forwarder = { url: string; token: string; close(): void };

export async function openForwarder({ url, token: real }: Pick<Credentials, "url" | "token">): Promise<Forwarder> {
  const token = randomUUID();
  const target = new URL(url);
  const { request } = target.protocol === "https:" ? https : http;

  const forward = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const presented = presentedToken(incoming.headers.authorization);
    // Nobody else's token is sent to the platform, and ours not on behalf of another.
    if (presented !== undefined && !equal(presented, token)) {
      outgoing.writeHead(401, { "content-type": "application/json" }).end('{"id":"unauthorized","message":"paas heroku serves the heroku that it started, and no other."}');
      return;
    }
    const headers = Object.fromEntries(Object.entries(incoming.headers).filter(([name]) => !HOP_BY_HOP.has(name)));
    const body = incoming.headers["transfer-encoding"] === undefined ? {} : { "transfer-encoding": incoming.headers["transfer-encoding"] };
    const asking = request(new URL(target.origin), {
      method: incoming.method, path: incoming.url,
      headers: { ...headers, ...body, host: target.host, ...(presented === undefined ? {} : { authorization: `Bearer ${real}` }) },
    });
    asking.on("response", (answer) => {
      const { connection: _, "keep-alive": __, "transfer-encoding": ___, ...passed } = answer.headers;
      outgoing.writeHead(answer.statusCode ?? 502, passed);
      answer.on("error", () => outgoing.destroy()).pipe(outgoing);
    });
    asking.on("error", (error) => {
      if (outgoing.headersSent) return void outgoing.destroy();
      outgoing.writeHead(502, { "content-type": "application/json" }).end(JSON.stringify({ id: "unreachable", message: `${target.origin} cannot be reached: ${error.message}` }));
    });
    outgoing.on("close", () => asking.destroy());
    incoming.pipe(asking);
  };

  const server = http.createServer(forward);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Of `Bearer <token>`, or of Basic, whose password it is. Undefined where the request has none. */
function presentedToken(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  const [scheme = "", value = ""] = authorization.split(/ +/);
  return scheme.toLowerCase() === "basic" ? Buffer.from(value, "base64").toString().replace(/^[^:]*:/, "") : value;
}

function equal(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
