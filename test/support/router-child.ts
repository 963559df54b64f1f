/** Router processes of a test: started, asked over their socket, gone at its end, their workers and successors too. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Router, createRouterClient } from "../../proxy/client.ts";

export const ROUTER_MAIN = new URL("../../proxy/main.ts", import.meta.url).pathname;
const CACHE = new URL("../../node_modules/.cache/node", import.meta.url).pathname;

export type RouterChild = {
  child: ChildProcess;
  port: number;
  folder: string;
  client: Router;
  controlPath: string;
  /** What it and its workers printed to standard error so far. */
  complaints(): string;
  /** SIGKILL to whoever answers the control socket, and to its workers. */
  close(): Promise<void>;
};

/** A router with free ports and a snapshot of its own. */
export async function routerChild(...args: string[]): Promise<RouterChild> {
  const folder = await mkdtemp(join(tmpdir(), "router-child-"));
  const controlPath = join(folder, "c.sock");
  const all = ["--port", "0", "--socket", controlPath, "--snapshot", join(folder, "routes.json"), "--log", join(folder, "access.log"), ...args];
  const child = spawn(process.execPath, [ROUTER_MAIN, ...all], { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NODE_COMPILE_CACHE: CACHE } });
  let complaints = "";
  child.stderr.on("data", (text: Buffer) => (complaints += text.toString()));
  const [line] = (await Promise.race([once(createInterface(child.stdout), "line"), once(child, "exit").then(() => [""])])) as [string];
  if (line === "") {
    await rm(folder, { recursive: true });
    throw new Error(`the router did not start: ${complaints}`);
  }
  const client = createRouterClient(controlPath);
  const seen = new Set([child.pid!]);
  return {
    child, folder, client, controlPath,
    port: (JSON.parse(line) as { port: number }).port,
    complaints: () => complaints,
    async close() {
      const { pid, workers } = await client.health().catch(() => ({ pid: child.pid!, workers: [] }));
      for (const one of new Set([pid, ...workers, ...seen])) kill(one);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}
