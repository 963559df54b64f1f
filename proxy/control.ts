/** The control socket: a few JSON requests over HTTP on a unix socket that only this user may open. */

import { chmodSync, unlinkSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { once } from "node:events";
import { RouterError, statusOf } from "./router-error.ts";
import type { RunningRouter } from "./router.ts";

const MAX_BODY = 4 * 1024 * 1024;
const MAX_DRAIN_MS = 24 * 60 * 60 * 1_000;

/** What the socket drives. */
export type Controlled = Omit<RunningRouter, "port" | "stop">;

/** Listens on `path`, mode 0600. Throws when another router answers there; a socket that nobody serves is replaced. */
export async function listenForControl(path: string, router: Controlled): Promise<http.Server> {
  if (await answers(path)) throw new Error(`another router serves ${path}`);
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  // A drain may take as long as its caller says.
  const server = http.createServer({ requestTimeout: 0 }, (request, response) => void handle(router, request, response));
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

async function handle(router: Controlled, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  try {
    const body = await readJson(request);
    send(response, 200, await answer(router, request.method ?? "", request.url ?? "", body));
  } catch (error) {
    const known = error instanceof RouterError ? error : new RouterError("router_failed", "unexpected", { cause: error });
    send(response, statusOf(known.id), { id: known.id, what: known.what });
  }
}

async function answer(router: Controlled, method: string, url: string, body: unknown): Promise<unknown> {
  switch (`${method} ${url}`) {
    case "GET /health": return router.health();
    case "GET /routes": return router.routes();
    case "POST /switch": await router.switchTo(body); return {};
    case "POST /remove": await router.remove(routeIdIn(body)); return {};
    case "POST /drain": {
      const { targetIds, timeoutMs } = drainIn(body);
      return router.drain(targetIds, timeoutMs);
    }
    default: throw new RouterError("not_found", `${method} ${url}`);
  }
}

function routeIdIn(body: unknown): string {
  if (typeof body === "object" && body !== null && "routeId" in body && typeof body.routeId === "string") return body.routeId;
  throw new RouterError("invalid_request", "routeId");
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
