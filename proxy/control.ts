/** The control socket: a few JSON requests over HTTP on a unix socket that only this user may open. */

import { chmodSync, unlinkSync } from "node:fs";
import type http from "node:http";
import net from "node:net";
import { once } from "node:events";
import { createServer } from "./node-http.ts";
import { RouterError, statusOf } from "./router-error.ts";
import type { Controlled } from "./controls.ts";

const MAX_BODY = 4 * 1024 * 1024;
const MAX_DRAIN_MS = 24 * 60 * 60 * 1_000;

/** What to run in the router's place: its own program, script and arguments where they are not given. */
export type Upgrade = { program?: string; script?: string; args?: string[] };

/** What the socket drives: the router, and the process that it is. */
export type ControlledProcess = Controlled & {
  /** Sends every log line from now on until `to` is closed. */
  followLog(to: http.ServerResponse): void;
  /** @param answered resolves when the caller has been told: from then on another router may answer the socket. */
  upgrade(how: Upgrade, answered: Promise<unknown>): Promise<{ pid: number }>;
};

/** Listens on `path`, mode 0600. Throws when another router answers there; a socket that nobody serves is replaced. */
export async function listenForControl(path: string, router: ControlledProcess): Promise<http.Server> {
  if (await answers(path)) throw new Error(`another router serves ${path}`);
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  // A drain may take as long as its caller says.
  const server = createServer({ requestTimeout: 0 }, (request, response) => void handle(router, request, response));
  // The mode counts from the first instant: the umask narrows what bind makes.
  const umask = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(umask);
  }
  await once(server, "listening");
  chmodSync(path, 0o600);
  return server;
}

async function handle(router: ControlledProcess, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  try {
    const body = await readJson(request);
    const asked = `${request.method} ${request.url}`;
    if (asked === "GET /log") return followLog(router, response);
    const closed = new Promise((resolve) => response.once("close", resolve));
    send(response, 200, asked === "POST /upgrade" ? await router.upgrade(upgradeIn(body), closed) : await answer(router, asked, body));
  } catch (error) {
    const known = error instanceof RouterError ? error : new RouterError("router_failed", "unexpected", { cause: error });
    send(response, statusOf(known.id), { id: known.id, what: known.what });
  }
}

async function answer(router: Controlled, asked: string, body: unknown): Promise<unknown> {
  switch (asked) {
    case "GET /health": return router.health();
    case "GET /routes": return router.routes();
    case "POST /switch": await router.switchTo(body); return {};
    case "POST /remove": await router.remove(textIn(body, "routeId")); return {};
    case "GET /certificates": return router.certificates();
    case "POST /certificates": await router.putCertificate(body); return {};
    case "POST /certificates/remove": await router.removeCertificate(textIn(body, "id")); return {};
    case "POST /challenges": await router.putChallenge({ token: textIn(body, "token"), text: textIn(body, "text") }); return {};
    case "POST /challenges/remove": await router.removeChallenge(textIn(body, "token")); return {};
    case "POST /drain": {
      const { targetIds, timeoutMs } = drainIn(body);
      return router.drain(targetIds, timeoutMs);
    }
    default: throw new RouterError("not_found", asked);
  }
}

function followLog(router: ControlledProcess, response: http.ServerResponse): void {
  response.writeHead(200, { "content-type": "text/plain; charset=latin1" });
  response.flushHeaders();
  router.followLog(response);
}

function textIn(body: unknown, name: string): string {
  const value = (body as Record<string, unknown> | null)?.[name];
  if (typeof value !== "string") throw new RouterError("invalid_request", name);
  return value;
}

function upgradeIn(body: unknown): Upgrade {
  const how = (body ?? {}) as Record<string, unknown>;
  for (const name of ["program", "script"]) if (how[name] !== undefined && typeof how[name] !== "string") throw new RouterError("invalid_request", name);
  const { args } = how;
  if (args !== undefined && !(Array.isArray(args) && args.every((arg) => typeof arg === "string"))) throw new RouterError("invalid_request", "args");
  return how as Upgrade;
}

function drainIn(body: unknown): { targetIds: string[]; timeoutMs: number } {
  if (typeof body !== "object" || body === null) throw new RouterError("invalid_request", "body");
  const targetIds = "targetIds" in body ? body.targetIds : null;
  const timeoutMs = "timeoutMs" in body ? body.timeoutMs : null;
  if (!Array.isArray(targetIds) || !targetIds.every((id) => typeof id === "string")) throw new RouterError("invalid_request", "targetIds");
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 0 && timeoutMs <= MAX_DRAIN_MS)) throw new RouterError("invalid_request", "timeoutMs");
  return { targetIds, timeoutMs };
}

async function readJson(request: http.IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    if ((size += part.length) > MAX_BODY) throw new RouterError("invalid_request", "body");
    parts.push(part);
  }
  if (size === 0) return null;
  try {
    return JSON.parse(Buffer.concat(parts).toString()) as unknown;
  } catch (error) {
    throw new RouterError("invalid_request", "body", { cause: error });
  }
}

function send(response: http.ServerResponse, status: number, value: unknown): void {
  const text = JSON.stringify(value);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

async function answers(path: string): Promise<boolean> {
  const socket = net.connect(path);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
