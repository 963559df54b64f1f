/** A constant, open-loop load of every kind of traffic from a process of its own, whose every answer is checked. */

import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { LoadReport } from "./load-record.ts";

/** What the load's process is told. */
export type ToLoad = { floor?: number; isChanging?: boolean; stop?: true };

export type MixedLoad = {
  /** What it saw up to some 100 ms ago. */
  report(): LoadReport;
  /** Resolves when so many requests have ended. Rejects when the load's process ended. */
  reached(requests: number): Promise<void>;
  /** A change of the app begins; it ends with `acknowledged`. */
  changing(): void;
  /** @param floor the release that every request from now on must be answered by, or a later one */
  acknowledged(floor: number): void;
  /** Starts no more requests; resolves with the whole report when the last has ended. */
  stop(): Promise<LoadReport>;
};

export type LoadOptions = { port: number; app: string; perSecond: number; /** Event streams, and as many WebSockets, held open. */ streams: number; drainMs: number };

/** Resolves when the first requests have ended. */
export async function startMixedLoad({ port, app, perSecond, streams, drainMs }: LoadOptions): Promise<MixedLoad> {
  const child = fork(join(import.meta.dirname, "mixed-load-process.ts"), [port, app, perSecond, streams, drainMs].map(String));
  const tell = (message: ToLoad): void => void (child.connected && child.send(message));
  const waiting = new Set<{ requests: number; resolve(): void; reject(error: Error): void }>();
  let last: LoadReport | undefined;
  child.on("message", (report: LoadReport) => {
    last = report;
    for (const waiter of waiting) {
      if (report.requests < waiter.requests) continue;
      waiting.delete(waiter);
      waiter.resolve();
    }
  });
  const exited = once(child, "exit");
  void exited.then(([code]) => {
    for (const waiter of waiting) waiter.reject(new Error(`the load's process ended with ${String(code)}`));
  });
  const load: MixedLoad = {
    report: () => last as LoadReport,
    reached: (requests) => new Promise((resolve, reject) => void (last !== undefined && last.requests >= requests ? resolve() : waiting.add({ requests, resolve, reject }))),
    changing: () => tell({ isChanging: true }),
    acknowledged: (floor) => tell({ isChanging: false, floor }),
    async stop() {
      tell({ stop: true });
      await exited;
      return last as LoadReport;
    },
  };
  await load.reached(1);
  return load;
}
