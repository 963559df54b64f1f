/** The router in one process: routes from the snapshot, served at once, changed through the control socket. */

import type { AccessLog } from "./access-log.ts";
import { RouterCore } from "./core.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { RouteAuthority } from "./route-authority.ts";
import type { Route } from "./route.ts";
import { loadSnapshot } from "./snapshot.ts";

export type RouterOptions = {
  bind: string;
  port: number;
  snapshot: string;
  limits?: Partial<Limits>;
  accessLog?: AccessLog | null;
  /** Called when the snapshot could not be read and was put aside. */
  onCorruptSnapshot?: (putAside: string) => void;
};

export type Health = { pid: number; port: number; tlsPort: number | null; uptimeMs: number; inFlight: number };

/** What the control socket drives. */
export type RunningRouter = {
  readonly port: number;
  switchTo(value: unknown): Promise<void>;
  drain(targetIds: string[], timeoutMs: number): Promise<{ cut: number }>;
  remove(routeId: string): Promise<void>;
  routes(): Route[];
  health(): Promise<Health>;
  /** Finishes what is in flight, bounded, and closes everything. */
  stop(): Promise<void>;
};

/** Loads the snapshot and listens. Throws what the operating system says when the address cannot be had. */
export async function startRouter(options: RouterOptions): Promise<RunningRouter> {
  const { routes, putAside } = await loadSnapshot(options.snapshot);
  if (putAside !== null) options.onCorruptSnapshot?.(putAside);
  const authority = new RouteAuthority(options.snapshot, routes);
  const core = await authority.join(async (current) => new RouterCore(options.limits ?? {}, options.accessLog ?? null, current));
  try {
    const port = await core.listen({ host: options.bind, port: options.port });
    return {
      ...controls(authority, port),
      stop: async () => {
        await core.stop(options.limits?.shutdownMs ?? DEFAULT_LIMITS.shutdownMs, true);
        await authority.settled();
      },
    };
  } catch (error) {
    core.abandon();
    throw error;
  }
}

/** The calls of the control socket, on an authority. */
export function controls(authority: RouteAuthority, port: number): Omit<RunningRouter, "stop"> {
  const startedAt = performance.now();
  return {
    port,
    switchTo: (value) => authority.switchTo(value),
    drain: (targetIds, timeoutMs) => authority.drain(targetIds, timeoutMs),
    remove: (routeId) => authority.remove(routeId),
    routes: () => authority.routes(),
    health: async () => ({ pid: process.pid, port, tlsPort: null, uptimeMs: Math.round(performance.now() - startedAt), inFlight: await authority.inFlight() }),
  };
}
