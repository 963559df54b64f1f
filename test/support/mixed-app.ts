/** The source of an app that answers every kind of traffic; each answer says which release and which dyno gave it. */

const NODE = "/opt/paas/node/bin/node";

/**
 * Files of the app; it needs no build. Every answer carries `x-release` and `x-dyno`, the latter unique for ever.
 * `GET /echo/T` and `/slow/MS/T` answer T, `/chunks/N/T` in N parts, `POST /digest` its body's SHA-256; `/events` is a stream of numbered
 * events that never ends, `/socket` a WebSocket that echoes.
 *
 * @param text makes one version's slug differ from another's
 */
export function mixedApp(text: string): Record<string, string> {
  return { "Procfile": `web: ${NODE} server.mjs\n`, "version.txt": text, "server.mjs": SERVER };
}

/** How often `/events` says something. */
export const EVENT_MS = 250;

const SERVER = `
import { createHash, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
const who = { "x-release": process.env.HEROKU_RELEASE_VERSION, "x-dyno": randomUUID() };

const server = createServer(async (request, response) => {
  const [, what, value, token] = request.url.split("/");
  if (what === "slow") await sleep(Number(value));
  if (what === "digest") {
    const hash = createHash("sha256");
    try {
      for await (const part of request) hash.update(part);
    } catch {
      return;
    }
    return response.writeHead(200, who).end(hash.digest("hex"));
  }
  if (what === "chunks") {
    response.writeHead(200, who);
    for (let i = 0; i < Number(value); i++) {
      response.write(token + ":" + i + ";");
      await sleep(2);
    }
    return response.end();
  }
  if (what === "events") {
    response.writeHead(200, { ...who, "content-type": "text/event-stream" });
    let number = 0;
    const timer = setInterval(() => response.write("data: " + number++ + "\\n\\n"), ${EVENT_MS});
    return response.on("close", () => clearInterval(timer));
  }
  response.writeHead(200, who).end(what === "slow" ? token : value);
});

// RFC 6455, as far as short text frames go.
server.on("upgrade", (request, socket) => {
  const accept = createHash("sha1").update(request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
  const fields = Object.entries({ ...who, upgrade: "websocket", connection: "Upgrade", "sec-websocket-accept": accept });
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\n" + fields.map((field) => field.join(": ") + "\\r\\n").join("") + "\\r\\n");
  let pending = Buffer.alloc(0);
  socket.on("error", () => {});
  socket.on("data", (bytes) => {
    pending = Buffer.concat([pending, bytes]);
    while (pending.length >= 6 && pending.length >= 6 + (pending[1] & 127)) {
      const size = pending[1] & 127;
      const [opcode, mask, masked] = [pending[0] & 15, pending.subarray(2, 6), pending.subarray(6, 6 + size)];
      socket.write(Buffer.concat([Buffer.from([128 | opcode, size]), masked.map((octet, i) => octet ^ mask[i % 4])]));
      if (opcode === 8) socket.end();
      pending = pending.subarray(6 + size);
    }
  });
});
server.listen(process.env.PORT, "0.0.0.0");
process.on("SIGTERM", () => process.exit(0));
`;
