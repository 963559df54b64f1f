/** The router as the control plane sees it: the other end of the control socket. */

import { stat } from "node:fs";
import type { ClientRequest } from "node:http";
import { StringDecoder } from "node:string_decoder";
import type { Certificate, ServedCertificate } from "./certificate.ts";
import { request as sendRequest } from "./node-http.ts";
import type { Route } from "./route.ts";
import { RouterError, isRouterErrorId } from "./router-error.ts";

export type { Certificate, ServedCertificate } from "./certificate.ts";
export type { Route, Target, Unavailable } from "./route.ts";
export { codeVersion } from "./code-version.ts";
export { RouterError, type RouterErrorId } from "./router-error.ts";

export type RouterHealth = {
  pid: number;
  /** The port that it serves on. */
  port: number;
  /** The port for TLS; null where it has none. */
  tlsPort: number | null;
  uptimeMs: number;
  /** Requests in flight, in all. */
  inFlight: number;
  /** Which state of the router's code runs: see codeVersion. */
  version: string;
  /** Streams that a connection of HTTP/2 may have at a time; 0 where it is not offered. */
  http2Streams: number;
  /** The processes that serve. */
  workers: number[];
};

/** Every call rejects with a RouterError only. */
export type Router = {
  /**
   * Puts the route in force. Resolves once every new request follows it and the snapshot is on disk; idempotent by
   * route.deployment. Rejects only if traffic did NOT move - but for "router_unreachable" and "router_timeout", after
   * which nobody knows: ask again. "host_in_use": another route id holds one of the hosts. "invalid_route",
   * "snapshot_failed" (disk full).
   */
  switchTo(route: Route): Promise<void>;
  /**
   * Waits until nothing is in flight on these targets, at most `timeoutMs`; what is left then (WebSockets, long
   * streams) is closed and counted in `cut`. Unknown ids are drained already. "target_live": a route names one of them.
   */
  drain(targetIds: string[], timeoutMs: number): Promise<{ cut: number }>;
  /** Takes a route away; an unknown one is away already. */
  remove(routeId: string): Promise<void>;
  /** The routes in force. */
  routes(): Promise<Route[]>;
  /**
   * Puts a certificate in force, in the place of one of the same id. Resolves once every handshake from now on uses it and
   * the snapshot is on disk; idempotent. "invalid_certificate": `what` says why (no PEM, key of another certificate).
   * Where two cover a host, an exact name wins over a wildcard, and then the one that was put last.
   */
  putCertificate(certificate: Certificate): Promise<void>;
  /** Unknown ids are away already. */
  removeCertificate(id: string): Promise<void>;
  certificates(): Promise<ServedCertificate[]>;
  /** From now on `GET /.well-known/acme-challenge/<token>` is answered with the text, on every host (RFC 8555 8.3). Not in the snapshot. */
  putChallenge(token: string, text: string): Promise<void>;
  removeChallenge(token: string): Promise<void>;
  health(): Promise<RouterHealth>;
  /**
   * Lets another router process take this one's place, on the same listening socket: no connection is refused and no
   * request lost. Resolves with its pid once its workers serve. "upgrade_failed": this one goes on as if nothing had been.
   * @param how Node, the router's main.ts and its arguments; what runs now where they are not given. The ports stay.
   */
  upgrade(how?: { program?: string; script?: string; args?: string[] }): Promise<{ pid: number }>;
};

/** How long the lines of a router that has just taken over may be missed at the most. */
const LOOK_MS = 250;
/** Its workers start within this, or it fails. */
const UPGRADE_MS = 10_000;

/** A client for the router at `socketPath`. `timeoutMs` bounds each call; a drain's own time comes on top. */
export function createRouterClient(socketPath: string, options: { timeoutMs?: number } = {}): Router {
  const timeoutMs = options.timeoutMs ?? 5_000;
  const call = (method: string, path: string, body?: unknown, extraMs = 0): Promise<unknown> => ask(socketPath, method, path, body, timeoutMs + extraMs);
  return {
    async switchTo(route) {
      await call("POST", "/switch", route);
    },
    async drain(targetIds, drainMs) {
      return (await call("POST", "/drain", { targetIds, timeoutMs: drainMs }, drainMs)) as { cut: number };
    },
    async remove(routeId) {
      await call("POST", "/remove", { routeId });
    },
    async routes() {
      return (await call("GET", "/routes")) as Route[];
    },
    async putCertificate(certificate) {
      await call("POST", "/certificates", certificate);
    },
    async removeCertificate(id) {
      await call("POST", "/certificates/remove", { id });
    },
    async certificates() {
      return (await call("GET", "/certificates")) as ServedCertificate[];
    },
    async putChallenge(token, text) {
      await call("POST", "/challenges", { token, text });
    },
    async removeChallenge(token) {
      await call("POST", "/challenges/remove", { token });
    },
    async upgrade(how = {}) {
      return (await call("POST", "/upgrade", how, UPGRADE_MS)) as { pid: number };
    },
    async health() {
      return (await call("GET", "/health")) as RouterHealth;
    },
  };
}

/**
 * Hands on every access line from now on, in whole lines of text, for as long as it is not stopped: it connects again when the router is away, and
 * when another one took its place it follows both, for the predecessor still ends what it has in flight.
 * @returns a function that ends it
 */
export function followLog(socketPath: string, take: (lines: string) => void): () => void {
  const open = new Map<number, ClientRequest>();
  let stopped = false;
  const look = (): void => {
    stat(socketPath, (error, stats) => {
      if (!stopped && !error && !open.has(stats.ino)) follow(stats.ino);
    });
  };
  const follow = (inode: number): void => {
    let rest = "";
    const request = sendRequest({ socketPath, path: "/log", agent: false }, (response) => {
      const lines = new StringDecoder("utf8");
      response.on("data", (part: Buffer) => {
        const text = rest + lines.write(part);
        const end = text.lastIndexOf("\n") + 1;
        rest = text.slice(end);
        if (end > 0) take(text.slice(0, end));
      });
      response.on("error", () => {});
    });
    open.set(inode, request);
    request.on("error", () => {}).on("close", () => open.delete(inode)).end();
  };
  look();
  const timer = setInterval(look, LOOK_MS).unref();
  return () => {
    stopped = true;
    clearInterval(timer);
    for (const request of open.values()) request.destroy();
  };
}

async function ask(socketPath: string, method: string, path: string, body: unknown, timeoutMs: number): Promise<unknown> {
  const signal = AbortSignal.timeout(timeoutMs);
  let status: number;
  let value: unknown;
  try {
    const text = body === undefined ? "" : JSON.stringify(body);
    const response = await exchange(socketPath, method, path, text, signal);
    status = response.status;
    value = JSON.parse(response.text);
  } catch (error) {
    throw new RouterError(signal.aborted ? "router_timeout" : "router_unreachable", `${method} ${path}`, { cause: error });
  }
  if (status === 200) return value;
  const { id, what } = value as { id: unknown; what: unknown };
  throw new RouterError(isRouterErrorId(id) ? id : "router_failed", String(what));
}

function exchange(socketPath: string, method: string, path: string, text: string, signal: AbortSignal): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
    // No kept connection: a restarted router must never be asked through a dead one.
    const request = sendRequest({ socketPath, method, path, headers, signal, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() }));
    });
    request.on("error", reject);
    request.end(text);
  });
}
