/** The log system: puts its parts together. Everything that an app's people should see comes in here and goes out in one stream. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import type { Engine } from "../engine/engine.ts";
import type { PlatformEvent } from "../pipeline/events.ts";
import type { Store } from "../store/store.ts";
import { createCollector } from "./collector.ts";
import { createDrains, type Drains } from "./drains/drains.ts";
import { createHistory } from "./history.ts";
import { createHub } from "./hub.ts";
import { createClock } from "./line.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { linesOf } from "./platform-lines.ts";
import { createRouterLines } from "./router-lines.ts";
import { createRuntimeMetrics } from "./runtime-metrics.ts";
import { createSessions, type Sessions } from "./session.ts";
import { streamLines, type StreamRequest } from "./stream.ts";

export type LogsOptions = {
  config: Pick<Config, "domain" | "logs" | "limits">;
  store: Store;
  engine: Pick<Engine, "followLogs" | "dynos" | "usage">;
  log: Logger;
  /** The folder of all that is kept. */
  dir: string;
  /** Calls back with whole lines of the router's log until what it returns is called. */
  followRouter(take: (lines: string) => void): () => void;
};

export type Logs = {
  sessions: Sessions;
  drains: Drains;
  metrics: Pick<Metrics, "text">;
  /** The app's last lines, and with `tail` those to come. */
  stream(appId: string, request: StreamRequest): Readable;
  /** Takes what happens to apps. */
  take(event: PlatformEvent): void;
  /** Resolves when every dyno is followed. @throws AppError engine_unavailable: call again */
  start(): Promise<void>;
  stop(): Promise<void>;
};

const MB = 1024 * 1024;
const TELL_MS = 10_000;

export function createLogs({ config, store, engine, log, dir, followRouter }: LogsOptions): Logs {
  const apps = join(dir, "apps");
  mkdirSync(apps, { recursive: true, mode: 0o700 });
  let toldAt = -Infinity;
  const onFailure = (error: unknown): void => {
    // A full disk fails for every line: the log of the platform lies on the same one.
    if (performance.now() - toldAt < TELL_MS) return;
    toldAt = performance.now();
    log.error({ err: error }, "log lines could not be kept");
  };
  const clock = createClock();
  const history = createHistory({ dir: apps, maxBytes: config.logs.historyMb * MB, maxTotalBytes: config.logs.totalMb * MB, onFailure });
  const hub = createHub(history, clock);
  const drains = createDrains({ store, hub, allow: config.logs.drainAllow, caFile: config.logs.drainCa, now: () => new Date().toISOString() });
  const metrics = createMetrics({ store, engine, hub, drains, routerDropped: () => routerLines.dropped() });
  const routerLines = createRouterLines(store, config.domain, hub, metrics.countAccess);
  const memoryMb = config.limits.dynoMemoryMb;
  const runtimeMetrics = createRuntimeMetrics({ store, engine, hub, memoryMb });

  const take = (event: PlatformEvent, mark?: string): void => {
    if (event.kind === "app_created") void history.trim().catch(onFailure);
    if (event.kind === "app_destroyed") {
      drains.removeAll(event.appId);
      return void hub.remove(event.appId).catch(onFailure);
    }
    const { appId, lines } = linesOf(event, memoryMb);
    // The mark says that all of it was written: it stands on the last line.
    lines.forEach((line, index) => hub.write(appId, index === lines.length - 1 ? { ...line, mark } : line));
  };
  const collector = createCollector({
    engine, hub, history, onFailure,
    file: join(dir, "positions.json"),
    onEnd: (dyno, exit, mark) => take({ kind: "dyno_exited", dyno, ...exit }, mark),
  });
  let stopFollowing: (() => void) | undefined;

  return {
    drains,
    metrics,
    sessions: createSessions(join(dir, "session-key")),
    stream: (appId, request) => streamLines({ hub, history, clock }, appId, request),
    take(event) {
      metrics.take(event);
      take(event);
    },
    async start() {
      const known = new Set(store.apps.list().map(({ id }) => id));
      await Promise.all(history.apps().filter((appId) => !known.has(appId)).map((appId) => history.remove(appId)));
      await history.trim();
      // Before the first line comes.
      if (!stopFollowing) drains.start();
      stopFollowing ??= followRouter(routerLines.take);
      await collector.start();
      runtimeMetrics.start();
    },
    async stop() {
      runtimeMetrics.stop();
      stopFollowing?.();
      await collector.stop();
      await drains.stop();
      await history.close();
    },
  };
}
