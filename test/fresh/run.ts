/**
 * `npm run test:fresh`: from nothing to a second start. A clone of HEAD in an empty folder, with no dependency, no image and an engine of its own
 * whose data root is empty, in a network of its own. Everything is removed afterwards.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engineEnvironment, removeEngine } from "./own-engine.ts";
import { makeOwnNetwork } from "./own-network.ts";

const folder = mkdtempSync(join(tmpdir(), "paas-fresh-"));
const network = makeOwnNetwork();
try {
  process.exitCode = await journey();
} finally {
  // A journey that failed leaves what it had started.
  for (const pid of network.processes().filter(isOfTheProduct)) process.kill(pid, "SIGKILL");
  await removeEngine(folder);
  network.remove();
}

function isOfTheProduct(pid: number): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(join(folder, "paas"));
}

async function journey(): Promise<number> {
  const [file = "", ...args] = network.inside([process.execPath, join(import.meta.dirname, "journey.ts"), folder]);
  const child = spawn(file, args, { stdio: "inherit", env: { ...userEnvironment(), ...engineEnvironment(folder) } });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}

/** As in a shell of the user's: without what npm adds for its scripts, and with nothing downloaded before. */
function userEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|PAAS_|NODE$|INIT_CWD$)/.test(name));
  const path = (process.env["PATH"] ?? "").split(":").filter((part) => !part.includes("node_modules"));
  return { ...Object.fromEntries(own), PATH: path.join(":"), npm_config_cache: join(folder, "npm-cache") };
}
