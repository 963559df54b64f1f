import { statfs } from "node:fs/promises";
import { AppError } from "../errors.ts";
import type { Parts } from "./parts.ts";

/** Asked before anything is started that will take space. @throws AppError disk_full */
export async function assertDiskSpace({ config, engine }: Pick<Parts, "config" | "engine">): Promise<void> {
  const data = await statfs(config.dataDir);
  const free = Math.min(data.bavail * data.bsize, (await engine.freeDiskBytes()) ?? Infinity);
  if (free < config.minFreeDiskMb * 1024 * 1024)
    throw new AppError("disk_full", `The disk is nearly full: ${Math.floor(free / 1024 / 1024)} MB are free, a build needs ${config.minFreeDiskMb} MB (PAAS_MIN_FREE_DISK_MB). Free some space and push again.`);
}
