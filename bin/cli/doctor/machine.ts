/** The machine itself: memory, disk, clock, the data folder. */

import { existsSync } from "node:fs";
import { readFile, stat, statfs } from "node:fs/promises";
import { totalmem } from "node:os";
import { dirname } from "node:path";
import type { Config } from "../../../server/config.ts";
import { trust } from "../api.ts";
import { storedCredentials } from "../credentials.ts";
import { fail, ok, warn, type Finding } from "./finding.ts";

const MB = 1024 * 1024;
const LITTLE_MEMORY_MB = 900;
const CLOCK_WARN_S = 5;
const CLOCK_FAIL_S = 60;

export async function examineMachine(config: Config, engineFolder: string | undefined): Promise<Finding[]> {
  return [await judgeMemory(config), ...(await judgeDisks(config, engineFolder)), await judgeClock(config), await judgeFolder(config.dataDir)];
}

async function judgeMemory({ limits }: Config): Promise<Finding> {
  const available = await readFile("/proc/meminfo", "utf8").then((text) => Number(/^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1]) / 1024, () => NaN);
  const total = totalmem() / MB;
  const found = `${gigabytes(total)} in all${Number.isNaN(available) ? "" : `, ${gigabytes(available)} available`}`;
  if (total < LITTLE_MEMORY_MB) return warn("memory", found, "Builds may run out of it: 1 GB is little, 2 GB are comfortable.");
  if (available < limits.dynoMemoryMb) return warn("memory", found, `A dyno may take ${limits.dynoMemoryMb} MB (PAAS_DYNO_MEMORY_MB): scale down, or give the machine more.`);
  return ok("memory", found);
}

async function judgeDisks({ dataDir, minFreeDiskMb }: Config, engineFolder: string | undefined): Promise<Finding[]> {
  const folders = [dataDir, ...(engineFolder !== undefined && existsSync(engineFolder) ? [engineFolder] : [])];
  return Promise.all(folders.map(async (folder) => {
    const { bavail, bsize } = await statfs(existing(folder));
    const free = (bavail * bsize) / MB;
    const found = `${gigabytes(free)} free at ${folder}`;
    if (free < minFreeDiskMb) return fail("disk", found, `Pushes are refused below ${minFreeDiskMb} MB (PAAS_MIN_FREE_DISK_MB): free some, for instance with \`docker image prune\`.`);
    return free < 3 * minFreeDiskMb ? warn("disk", found, `Pushes are refused below ${minFreeDiskMb} MB (PAAS_MIN_FREE_DISK_MB).`) : ok("disk", found);
  }));
}

/** Certificates and log times go by it. Compared with the API that we are logged in to, or else the one here. */
async function judgeClock({ bind, apiPort }: Config): Promise<Finding> {
  const stored = storedCredentials();
  trust(stored?.ca);
  const url = stored?.url ?? `http://${bind === "0.0.0.0" ? "127.0.0.1" : bind.includes(":") ? `[${bind}]` : bind}:${apiPort}`;
  const before = Date.now();
  const date = await fetch(`${url}/health`, { signal: AbortSignal.timeout(5000) }).then((response) => response.headers.get("date"), () => null);
  if (date === null) return warn("clock", `${new Date(before).toISOString()}, not compared: no API answers at ${url}`, "Start the platform, or compare it yourself.");
  // The header has whole seconds.
  const seconds = Math.round(Math.abs((before + Date.now()) / 2 - Date.parse(date) - 500) / 1000);
  const found = `${seconds} s from the clock of ${url}`;
  if (seconds < CLOCK_WARN_S) return ok("clock", found);
  return (seconds < CLOCK_FAIL_S ? warn : fail)("clock", found, "Let the time be set by NTP, on both machines: `timedatectl set-ntp true`.");
}

async function judgeFolder(folder: string): Promise<Finding> {
  const found = await stat(folder).catch(() => undefined);
  if (!found) return ok("data folder", `${folder} is not there yet: the first start makes it`);
  const mode = (found.mode & 0o777).toString(8).padStart(4, "0");
  if ((found.mode & 0o077) === 0) return ok("data folder", `${folder}, mode ${mode}`);
  return fail("data folder", `${folder} has mode ${mode}: others on this machine can read config vars and private keys`, `chmod 700 ${folder}`);
}

const existing = (folder: string): string => (existsSync(folder) ? folder : existing(dirname(folder)));
const gigabytes = (megabytes: number): string => `${(megabytes / 1024).toFixed(1)} GB`;
