/** What serves in one process: table, listeners, clock. It obeys; whether a change is right is for route-authority.ts to know. */

import { once } from "node:events";
import type { ListenOptions, Server } from "node:net";
import type { AccessLog } from "./access-log.ts";
import { Certificates } from "./certificates.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { Listener } from "./listener.ts";
import type { Change, Member, Standing } from "./member.ts";
import { ResponseHead } from "./response-head.ts";
import type { RouterState } from "./router-state.ts";
import { Table } from "./table.ts";

/** An address, or a socket that this process was born with. */
type At = ListenOptions | { fd: number };

const LONGEST_TICK_MS = 250;
const BACKLOG = 4_096;

export class RouterCore implements Member {
  readonly #state: RouterState;
  readonly #listener: Listener;
  readonly #ticker: NodeJS.Timeout;

  constructor(limits: Partial<Limits>, accessLog: AccessLog | null, standing: Standing) {
    const all = { ...DEFAULT_LIMITS, ...limits };
    this.#state = {
      limits: all, table: new Table(all), certificates: new Certificates(), challenges: new Map(), responseHead: new ResponseHead(all),
      accessLog, tlsPort: null, now: performance.now(), closing: false,
    };
    for (const route of standing.routes) this.#change({ kind: "putRoute", route });
    for (const certificate of standing.certificates) this.#change({ kind: "putCertificate", certificate });
    for (const challenge of standing.challenges) this.#change({ kind: "putChallenge", challenge });
    this.#listener = new Listener(this.#state);
    this.#ticker = setInterval(() => this.#tick(), tickFor(all));
  }

  /** Takes connections at an address or on a socket handed over; returns the port. Throws what the operating system says. */
  listen(at: At): Promise<number> {
    return begin(this.#listener.plain, at);
  }

  /** The same for connections with TLS. */
  async listenTls(at: At): Promise<number> {
    const port = await begin(this.#listener.tls, at);
    this.#state.tlsPort = port;
    return port;
  }

  async apply(change: Change): Promise<void> {
    this.#change(change);
  }

  async drain(targetIds: string[], timeoutMs: number): Promise<number> {
    const targets = targetIds.flatMap((id) => this.#state.table.target(id) ?? []);
    const timeout = AbortSignal.timeout(timeoutMs);
    await Promise.all(targets.map((target) => target.idle(timeout)));
    return targets.reduce((cut, target) => cut + (target.live ? 0 : target.cutAll()), 0);
  }

  async inFlight(): Promise<number> {
    return this.#listener.busy;
  }

  /**
   * Takes no more connections and answers every further request with `Connection: close`; resolves when the last
   * connection is closed, at the latest after `withinMs`. `atOnce`: connections without a request close now. May be
   * called again, to make haste.
   */
  async stop(withinMs: number, atOnce: boolean): Promise<void> {
    this.#state.closing = true;
    const closed = this.#listener.close();
    if (atOnce) this.#listener.retire();
    const cutter = setTimeout(() => this.#listener.destroyAll(), withinMs);
    await closed;
    clearTimeout(cutter);
    clearInterval(this.#ticker);
    this.#state.table.close();
  }

  #change(change: Change): void {
    const { table, certificates, challenges } = this.#state;
    switch (change.kind) {
      case "putRoute": return table.put(change.route);
      case "removeRoute": return table.remove(change.id);
      case "putCertificate": return certificates.put(change.certificate);
      case "removeCertificate": return certificates.remove(change.id);
      case "putChallenge": return void challenges.set(change.challenge.token, change.challenge.text);
      case "removeChallenge": return void challenges.delete(change.token);
    }
  }

  #tick(): void {
    const now = performance.now();
    this.#state.now = now;
    this.#listener.tick(now);
    this.#state.table.sweep(now);
  }
}

async function begin(server: Server, at: At): Promise<number> {
  server.listen({ backlog: BACKLOG, ...at });
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Often enough that no time limit is overrun by more than a fifth of the shortest. */
function tickFor(limits: Limits): number {
  const shortest = Math.min(limits.headMs, limits.connectMs, limits.firstByteMs, limits.rollingMs, limits.clientIdleMs, limits.lingerMs);
  return Math.max(10, Math.min(LONGEST_TICK_MS, shortest / 5));
}
