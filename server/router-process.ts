/** The router's process: found running or started, and started again when it is gone. It outlives the control plane on purpose. */

import { spawn, type ChildProcess } from "node:child_process";
import { openSync, closeSync } from "node:fs";
import { getCompileCacheDir } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Logger } from "pino";
import { codeVersion, type Router, type RouterHealth } from "../proxy/client.ts";
import type { Config } from "./config.ts";
import type { DataDir } from "./data-dir.ts";

const MAIN = fileURLToPath(new URL("../proxy/main.ts", import.meta.url));
const START_MS = 10_000;
const POLL_MS = 25;
/** Between two tries: a router that ended at once usually met a worker of the one before, which still held the port. */
const AGAIN_MS = 100;
const LOOK_MS = 1000;
/** Asking the kernel whether a process lives costs nothing. */
const PULSE_MS = 50;

export type RouterProcess = {
  /** Resolves when a router answers. @throws Error with the place of its log when none comes up. */
  start(): Promise<void>;
  port(): number;
  /** Undefined where it serves no TLS. */
  tlsPort(): number | undefined;
  /** Leaves the router running unless told to stop it too. */
  stop(options: { router: boolean }): Promise<void>;
};

export function createRouterProcess(config: Config, dataDir: DataDir, router: Router, log: Logger): RouterProcess {
  let port = config.httpPort;
  let tlsPort = config.httpsPort;
  let watching: NodeJS.Timeout | undefined;
  let starting = false;
  let pid: number | undefined;

  const health = (): Promise<RouterHealth | undefined> => router.health().catch(() => undefined);
  const args = (): string[] => [
    "--bind", config.bind, "--port", String(port), ...(tlsPort === undefined ? [] : ["--tls-port", String(tlsPort)]), "--workers", String(config.routerWorkers), "--http2-streams", String(config.http2Streams),
    "--socket", dataDir.routerSocket, "--snapshot", dataDir.routerSnapshot, "--log", dataDir.routerLog,
  ];

  async function ensure(): Promise<RouterHealth> {
    let found = await health();
    if (found && config.router === "spawn" && (differs(config.httpPort, found.port) || differs(config.httpsPort, found.tlsPort ?? undefined))) {
      log.info({ from: [found.port, found.tlsPort], to: [config.httpPort, config.httpsPort] }, "the router moves to other ports");
      await end(found.pid);
      found = undefined;
    }
    let child = !found && config.router === "spawn" ? launch() : undefined;
    const until = performance.now() + START_MS;
    for (; !found; found = await health()) {
      if (performance.now() > until) throw new Error(`The router did not start on ${config.bind}:${config.httpPort} (PAAS_HTTP_PORT). ${dataDir.routerLog} says why.`);
      await pause(POLL_MS);
      if (child && hasEnded(child)) {
        await pause(AGAIN_MS);
        child = launch();
      }
    }
    ({ port, pid } = found);
    tlsPort = found.tlsPort ?? undefined;
    return found;
  }

  function launch(): ChildProcess {
    const out = openSync(dataDir.routerLog, "a", 0o600);
    const child = spawn(process.execPath, [MAIN, ...args()], { detached: true, stdio: ["ignore", out, out], env: environment(config) });
    child.on("error", (error) => log.error({ err: error }, "the router could not be started"));
    child.unref();
    closeSync(out);
    log.info({ pid: child.pid }, "router started");
    return child;
  }

  /** A router of another version of its code, or with other settings, gives its place to one of ours; it serves on if that fails. */
  async function renew({ version, workers, http2Streams }: RouterHealth): Promise<void> {
    if (config.router !== "spawn" || (version === codeVersion() && workers.length === config.routerWorkers && http2Streams === config.http2Streams)) return;
    const successor = await router.upgrade({ program: process.execPath, script: MAIN, args: args() });
    log.info({ pid: successor.pid }, "the router was renewed");
  }

  async function end(pid: number): Promise<void> {
    process.kill(pid, "SIGTERM");
    for (const until = performance.now() + START_MS; performance.now() < until && (await health()); ) await pause(POLL_MS);
  }

  return {
    async start() {
      const found = await ensure();
      void renew(found).catch((error: unknown) => log.error({ err: error }, "the router could not be renewed and serves on as it is"));
      let lookedAt = performance.now();
      watching = setInterval(() => {
        const died = config.router === "spawn" && pid !== undefined && !lives(pid);
        if (starting || (!died && performance.now() - lookedAt < LOOK_MS)) return;
        lookedAt = performance.now();
        starting = true;
        void health().then(async (found) => {
          if (found) pid = found.pid;
          else await ensure();
        }).catch((error: unknown) => log.error({ err: error }, "the router is away")).finally(() => (starting = false));
      }, PULSE_MS);
      watching.unref();
    },
    port: () => port,
    tlsPort: () => tlsPort,
    async stop({ router: alsoRouter }) {
      clearInterval(watching);
      const found = alsoRouter && config.router === "spawn" ? await health() : undefined;
      if (found) await end(found.pid);
    },
  };
}

/** Whether the router shall listen elsewhere. 0: any port will do. */
function differs(wanted: number | undefined, found: number | undefined): boolean {
  return wanted === 0 ? found === undefined : wanted !== found;
}

/** The router shares our cache of compiled code: without it, reading TypeScript costs a second and 20 MB. */
function environment(config: Config): Record<string, string> {
  const cache = getCompileCacheDir();
  return { PATH: config.programPath, ...(cache ? { NODE_COMPILE_CACHE: dirname(cache) } : {}) };
}

function hasEnded({ exitCode, signalCode, pid }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null || pid === undefined;
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
