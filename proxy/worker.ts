/** A worker process: it serves on the sockets that it was born with and obeys the router that started it. */

import { Calls, handlersOf } from "./calls.ts";
import { RouterCore } from "./core.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { openLogPipe } from "./log-pipe.ts";
import type { Standing } from "./member.ts";

/** What `start` is called with; `standing` is in force before the first connection is taken. */
export type WorkerStart = { standing: Standing; limits: Partial<Limits>; tls: boolean };

/** Where a worker finds what it was born with (`stdio` of crew.ts). */
export const FD = { socket: 4, log: 5, tlsSocket: 6 };

if (import.meta.main) {
  const log = openLogPipe(FD.log);
  let core: RouterCore | undefined;
  let shutdownMs = DEFAULT_LIMITS.shutdownMs;

  const start = async (options: WorkerStart): Promise<boolean> => {
    shutdownMs = options.limits.shutdownMs ?? shutdownMs;
    core = new RouterCore(options.limits, log, options.standing);
    await core.listen({ fd: FD.socket });
    if (options.tls) await core.listenTls({ fd: FD.tlsSocket });
    return true;
  };
  const end = async (withinMs: number, atOnce: boolean): Promise<void> => {
    await core?.stop(withinMs, atOnce);
    // What is still in the pipe is handed over before the end.
    await log.close();
    process.exit(0);
  };
  const running = (): RouterCore => {
    if (core === undefined) throw new Error("called before start");
    return core;
  };
  const member = handlersOf({
    apply: (change) => running().apply(change),
    drain: (targetIds, timeoutMs) => running().drain(targetIds, timeoutMs),
    inFlight: () => running().inFlight(),
  });
  new Calls(process, { ...member, start, retire: async (withinMs: number) => void end(withinMs, false), stop: async (withinMs: number) => void end(withinMs, true) });

  // Without the router no change of routes would come any more: what is in flight ends, nothing new begins.
  process.on("disconnect", () => void end(shutdownMs, true));
  // The router died while this process was being born: nobody would ever tell it to go, and it holds the listening socket.
  if (!process.connected) process.exit(0);
  // A terminal's Ctrl-C goes to the whole group; the router decides.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
}
