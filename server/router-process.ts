/** The router's process: found running or started, and started again when it is gone. It outlives the control plane on purpose. */

import { spawn } from "node:child_process";
import { openSync, closeSync } from "node:fs";
import { getCompileCacheDir } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Logger } from "pino";
import type { Router } from "../proxy/client.ts";
import type { Config } from "./config.ts";
import type { DataDir } from "./data-dir.ts";

const MAIN = fileURLToPath(new URL("../proxy/main.ts", import.meta.url));
const START_MS = 10_000;
const POLL_MS = 25;
const LOOK_MS = 1000;
/** Asking the kernel whether a process lives costs nothing. */
const PULSE_MS = 50;

export type RouterProcess = {
  /** Resolves when a router answers. @throws Error with the place of its log when none comes up. */
  start(): Promise<void>;
  port(): number;
  /** Leaves the router running unless told to stop it too. */
  stop(options: { router: boolean }): Promise<void>;
};

export function createRouterProcess(config: Config, dataDir: DataDir, router: Router, log: Logger): RouterProcess {
  let port = config.httpPort;
  let watching: NodeJS.Timeout | undefined;
  let starting = false;
  let pid: number | undefined;

  const health = (): Promise<Awaited<ReturnType<Router["health"]>> | undefined> => router.health().catch(() => undefined);

  async function ensure(): Promise<void> {
    let found = await health();
    if (found && config.router === "spawn" && config.httpPort !== 0 && found.port !== config.httpPort) {
      log.info({ from: found.port, to: config.httpPort }, "the router moves to another port");
      await end(found.pid);
      found = undefined;
    }
    if (!found && config.router === "spawn") launch();
    const until = performance.now() + START_MS;
    for (; !found; found = await health()) {
      if (performance.now() > until) throw new Error(`The router did not start on ${config.bind}:${config.httpPort} (PAAS_HTTP_PORT). ${dataDir.routerLog} says why.`);
      await pause(POLL_MS);
    }
    ({ port, pid } = found);
  }

  function launch(): void {
    const out = openSync(dataDir.routerLog, "a", 0o600);
    const args = [MAIN, "--bind", config.bind, "--port", String(port), "--socket", dataDir.routerSocket, "--snapshot", dataDir.routerSnapshot, "--log", dataDir.routerLog];
    const child = spawn(process.execPath, args, { detached: true, stdio: ["ignore", out, out], env: environment(config) });
    child.on("error", (error) => log.error({ err: error }, "the router could not be started"));
    child.unref();
    closeSync(out);
    log.info({ pid: child.pid }, "router started");
  }

  async function end(pid: number): Promise<void> {
    process.kill(pid, "SIGTERM");
    for (const until = performance.now() + START_MS; performance.now() < until && (await health()); ) await pause(POLL_MS);
  }

  return {
    async start() {
      await ensure();
      let lookedAt = performance.now();
      watching = setInterval(() => {
        const died = config.router === "spawn" && pid !== undefined && !lives(pid);
        if (starting || (!died && performance.now() - lookedAt < LOOK_MS)) return;
        lookedAt = performance.now();
        starting = true;
        void health().then(async (found) => {
          if (!found) await ensure();
        }).catch((error: unknown) => log.error({ err: error }, "the router is away")).finally(() => (starting = false));
      }, PULSE_MS);
      watching.unref();
    },
    port: () => port,
    async stop({ router: alsoRouter }) {
      clearInterval(watching);
      const found = alsoRouter && config.router === "spawn" ? await health() : undefined;
      if (found) await end(found.pid);
    },
  };
}

/** The router shares our cache of compiled code: without it, reading TypeScript costs a second and 20 MB. */
function environment(config: Config): Record<string, string> {
  const cache = getCompileCacheDir();
  return { PATH: config.programPath, ...(cache ? { NODE_COMPILE_CACHE: dirname(cache) } : {}) };
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
