/** What serves in one process: table, listener, clock. It obeys; whether a change is right is for route-authority.ts to know. */

import { once } from "node:events";
import type { ListenOptions } from "node:net";
import type { AccessLog } from "./access-log.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { Listener } from "./listener.ts";
import { ResponseHead } from "./response-head.ts";
import type { Route } from "./route.ts";
import type { Member } from "./route-authority.ts";
import type { RouterState } from "./router-state.ts";
import { Table } from "./table.ts";

const LONGEST_TICK_MS = 250;
const BACKLOG = 4_096;

export class RouterCore implements Member {
  readonly #state: RouterState;
  readonly #listener: Listener;
  readonly #ticker: NodeJS.Timeout;

  constructor(limits: Partial<Limits>, accessLog: AccessLog | null, routes: Route[]) {
    const all = { ...DEFAULT_LIMITS, ...limits };
    const table = new Table(all);
    for (const route of routes) table.put(route);
    this.#state = { limits: all, table, responseHead: new ResponseHead(all), accessLog, now: performance.now(), closing: false };
    this.#listener = new Listener(this.#state);
    this.#ticker = setInterval(() => this.#tick(), tickFor(all));
  }

  /** Listens on an address or on a socket handed over; returns the port. Throws what the operating system says. */
  async listen(at: ListenOptions | object): Promise<number> {
    const { server } = this.#listener;
    server.listen(at, BACKLOG);
    await once(server, "listening");
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  async put(route: Route): Promise<void> {
    this.#state.table.put(route);
  }

  async remove(routeId: string): Promise<void> {
    this.#state.table.remove(routeId);
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
   * connection is closed, at the latest after `withinMs`. `atOnce`: connections without a request close now.
   */
  async stop(withinMs: number, atOnce: boolean): Promise<void> {
    this.#state.closing = true;
    const closed = new Promise<void>((resolve) => this.#listener.server.close(() => resolve()));
    if (atOnce) this.#listener.retire();
    const cutter = setTimeout(() => this.#listener.destroyAll(), withinMs);
    await closed;
    clearTimeout(cutter);
    clearInterval(this.#ticker);
    this.#state.table.close();
  }

  /** Gives up what `listen` was not called for. */
  abandon(): void {
    clearInterval(this.#ticker);
  }

  #tick(): void {
    const now = performance.now();
    this.#state.now = now;
    this.#listener.tick(now);
    this.#state.table.sweep(now);
  }
}

/** Often enough that no time limit is overrun by more than a fifth of the shortest. */
function tickFor(limits: Limits): number {
  const shortest = Math.min(limits.headMs, limits.connectMs, limits.firstByteMs, limits.rollingMs, limits.clientIdleMs, limits.lingerMs);
  return Math.max(10, Math.min(LONGEST_TICK_MS, shortest / 5));
}
