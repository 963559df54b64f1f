/** The second engine, whose data and socket lie in a folder of ours: how it is named to the product, and how it goes away whole. */

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import Docker from "dockerode";

const GONE_MS = 30_000;

/** What the product is told; it starts the engine itself. */
export function engineEnvironment(folder: string): Record<string, string> {
  return { DOCKER_HOST: `unix://${join(folder, "docker.sock")}`, PAAS_DOCKER_DATA_ROOT: join(folder, "engine") };
}

/** Removes every container, stops the engine and deletes the folder. @throws Error when the engine does not end. */
export async function removeEngine(folder: string): Promise<void> {
  const pidFile = join(folder, "engine.run", "docker.pid");
  if (existsSync(pidFile)) {
    const docker = new Docker({ socketPath: join(folder, "docker.sock") });
    // Its containers would outlive it: live-restore is on.
    for (const { Id } of await docker.listContainers({ all: true })) await docker.getContainer(Id).remove({ force: true, v: true });
    process.kill(Number(readFileSync(pidFile, "utf8")), "SIGTERM");
    for (const until = performance.now() + GONE_MS; existsSync(pidFile); await delay(50))
      if (performance.now() > until) throw new Error(`The second engine does not end; ${folder} is left as it is.`);
  }
  for (const mount of mountsBelow(folder)) execFileSync("umount", [mount]);
  rmSync(folder, { recursive: true, force: true });
}

function mountsBelow(folder: string): string[] {
  const points = readFileSync("/proc/self/mounts", "utf8").split("\n").map((line) => line.split(" ")[1] ?? "");
  return points.filter((point) => point.startsWith(`${folder}/`)).reverse();
}
