/** `npm run stop`: everything of this installation stops, dynos too. `npm start` brings it all back. */

import { existsSync, readFileSync } from "node:fs";
import { createRouterClient } from "../proxy/client.ts";
import { loadConfig } from "./config.ts";
import { createDockerEngine } from "./engine/docker.ts";
import { dataPaths } from "./data-dir.ts";

const STOP_MS = 60_000;
const POLL_MS = 50;

const config = loadConfig(process.env);
const paths = dataPaths(config.dataDir);
if (!existsSync(paths.instanceFile)) {
  process.stdout.write(`paas: nothing was ever started in ${config.dataDir} (PAAS_DATA_DIR).\n`);
  process.exit(0);
}

await end("control plane", existsSync(paths.pidFile) ? Number(readFileSync(paths.pidFile, "utf8")) : undefined, "SIGTERM");
await end("router", (await createRouterClient(paths.routerSocket).health().catch(() => undefined))?.pid, "SIGTERM");
const instance = readFileSync(paths.instanceFile, "utf8").trim();
const engine = createDockerEngine({ instance, stackImage: config.stackImage, networkRange: config.networkRange, openPort: undefined, onWarning: () => undefined });
const dynos = await engine.dynos();
await Promise.all(dynos.map(({ id }) => engine.discardDyno(id, config.limits.stopSeconds * 1000)));
process.stdout.write(`paas: stopped, ${dynos.length} dyno${dynos.length === 1 ? "" : "s"} with it.\n`);

async function end(name: string, pid: number | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!pid || !runs(pid)) return;
  process.kill(pid, signal);
  for (const until = performance.now() + STOP_MS; runs(pid); await new Promise((resolve) => setTimeout(resolve, POLL_MS)))
    if (performance.now() > until) throw new Error(`the ${name} (process ${pid}) does not stop; end it with: kill -9 ${pid}`);
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
