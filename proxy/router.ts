/** The router of one process: table, listener, clock; and the changes to the table, one at a time, each on disk first. */

import { once } from "node:events";
import type { AccessLog } from "./access-log.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { Listener } from "./listener.ts";
import { ResponseHead } from "./response-head.ts";
import type { Route } from "./route.ts";
import { checkRoute } from "./route-check.ts";
import { RouterError } from "./router-error.ts";
import type { RouterState } from "./router-state.ts";
import { loadSnapshot, saveSnapshot } from "./snapshot.ts";
import { Table } from "./table.ts";

const LONGEST_TICK_MS = 250;

export type RouterOptions = {
  bind: string;
  port: number;
  snapshot: string;
  limits?: Partial<Limits>;
  accessLog?: AccessLog | null;
  /** Called when the snapshot could not be read and was put aside. */
  onCorruptSnapshot?: (putAside: string) => void;
};

export type Health = { pid: number; port: number; uptimeMs: number; inFlight: number };

export class RouterProcess {
  readonly #state: RouterState;
  readonly #listener: Listener;
  readonly #snapshot: string;
  readonly #ticker: NodeJS.Timeout;
  readonly #startedAt = performance.now();
  #changes: Promise<unknown> = Promise.resolve();

  private constructor(options: RouterOptions, limits: Limits) {
    this.#state = {
      limits,
      table: new Table(limits),
      responseHead: new ResponseHead(limits),
      accessLog: options.accessLog ?? null,
      now: performance.now(),
      closing: false,
    };
    this.#snapshot = options.snapshot;
    this.#listener = new Listener(this.#state);
    this.#ticker = setInterval(() => this.#tick(), tickFor(limits));
  }

  /** Loads the snapshot and listens. Throws what the operating system says when the address cannot be had. */
  static async start(options: RouterOptions): Promise<RouterProcess> {
    const router = new RouterProcess(options, { ...DEFAULT_LIMITS, ...options.limits });
    try {
      const { routes, putAside } = await loadSnapshot(options.snapshot);
      if (putAside !== null) options.onCorruptSnapshot?.(putAside);
      for (const route of routes) router.#state.table.put(route);
      const { server } = router.#listener;
      server.listen({ host: options.bind, port: options.port, backlog: 4_096 });
      await once(server, "listening");
    } catch (error) {
      clearInterval(router.#ticker);
      throw error;
    }
    return router;
  }

  get port(): number {
    const address = this.#listener.server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** See `Router` in client.ts, for this and the next four. Throws RouterError. */
  switchTo(value: unknown): Promise<void> {
    const route = checkRoute(value);
    if (typeof route === "string") return Promise.reject(new RouterError("invalid_route", route));
    return this.#change(async () => {
      const { table } = this.#state;
      const conflict = table.conflict(route);
      if (conflict !== null) throw new RouterError(conflict.id, conflict.what);
      if (same(table.route(route.id), route)) return;
      // On disk before in force: a crash between the two makes the switch come true, never a lie.
      await this.#save([...table.routes().filter((other) => other.id !== route.id), route]);
      table.put(route);
    });
  }

  remove(routeId: string): Promise<void> {
    return this.#change(async () => {
      const { table } = this.#state;
      if (table.route(routeId) === undefined) return;
      await this.#save(table.routes().filter((route) => route.id !== routeId));
      table.remove(routeId);
    });
  }

  async drain(targetIds: string[], timeoutMs: number): Promise<{ cut: number }> {
    const targets = targetIds.flatMap((id) => this.#state.table.target(id) ?? []);
    const live = targets.find((target) => target.live);
    if (live !== undefined) throw new RouterError("target_live", live.spec.id);
    const timeout = AbortSignal.timeout(timeoutMs);
    await Promise.all(targets.map((target) => target.idle(timeout)));
    return { cut: targets.reduce((cut, target) => cut + (target.live ? 0 : target.cutAll()), 0) };
  }

  routes(): Route[] {
    return this.#state.table.routes();
  }

  health(): Health {
    return { pid: process.pid, port: this.port, uptimeMs: Math.round(performance.now() - this.#startedAt), inFlight: this.#listener.busy };
  }

  /** Takes no more connections, lets what is in flight finish for at most `shutdownMs`, then closes everything. */
  async stop(): Promise<void> {
    this.#state.closing = true;
    const closed = new Promise<void>((resolve) => this.#listener.server.close(() => resolve()));
    this.#listener.retire();
    const cutter = setTimeout(() => this.#listener.destroyAll(), this.#state.limits.shutdownMs);
    await closed;
    clearTimeout(cutter);
    clearInterval(this.#ticker);
    this.#state.table.close();
    await this.#changes;
  }

  #change(change: () => Promise<void>): Promise<void> {
    const result = this.#changes.then(change);
    this.#changes = result.catch(() => {});
    return result;
  }

  async #save(routes: Route[]): Promise<void> {
    try {
      await saveSnapshot(this.#snapshot, routes);
    } catch (error) {
      throw new RouterError("snapshot_failed", (error as NodeJS.ErrnoException).code ?? "unknown", { cause: error });
    }
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

/** Idempotent by deployment: the same deployment with the same content is in force already. */
function same(before: Route | undefined, route: Route): boolean {
  return before !== undefined && before.deployment === route.deployment && JSON.stringify(before) === JSON.stringify(route);
}
