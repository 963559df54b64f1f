/** All of the router in one process, for whoever embeds it: the tests do. */

import type { AccessLog } from "./access-log.ts";
import { type Controlled, controls } from "./controls.ts";
import { RouterCore } from "./core.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { RouteAuthority } from "./route-authority.ts";
import { loadSnapshot } from "./snapshot.ts";

export type RouterOptions = {
  bind: string;
  port: number;
  /** A port for TLS; 0 picks a free one, null serves none. */
  tlsPort?: number | null;
  snapshot: string;
  limits?: Partial<Limits>;
  accessLog?: AccessLog | null;
};

export type RunningRouter = Controlled & {
  readonly port: number;
  readonly tlsPort: number | null;
  /** Finishes what is in flight, bounded, and closes everything. */
  stop(): Promise<void>;
};

/** Loads the snapshot and serves, in this very process. Throws what the operating system says when an address cannot be had. */
export async function startRouter(options: RouterOptions): Promise<RunningRouter> {
  const limits = options.limits ?? {};
  const authority = new RouteAuthority(options.snapshot, await loadSnapshot(options.snapshot));
  const core = await authority.join(async (standing) => new RouterCore(limits, options.accessLog ?? null, standing));
  const stop = async (): Promise<void> => {
    await core.stop(limits.shutdownMs ?? DEFAULT_LIMITS.shutdownMs, true);
    await authority.settled();
  };
  try {
    const port = await core.listen({ host: options.bind, port: options.port });
    const tlsPort = typeof options.tlsPort === "number" ? await core.listenTls({ host: options.bind, port: options.tlsPort }) : null;
    return { ...controls(authority, port, tlsPort), port, tlsPort, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
