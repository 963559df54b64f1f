/** A buildpack's own part of CACHE_DIR. */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { mustRun } from "./command.ts";
import { info } from "./output.ts";

/** What a build leaves here that was cut off is of no use to the next one. */
export const UNFINISHED = "keep-";

/**
 * Opens `folder`, making it where it is missing; clears it where another stack filled it, for what that compiled does not run here.
 * Folders whose name begins with UNFINISHED are gone afterwards.
 */
export function openCache(folder: string, stack: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "stack");
  const before = existsSync(file) ? readFileSync(file, "utf8") : undefined;
  if (before !== undefined && before !== stack) {
    info(`The stack has changed from ${before} to ${stack}: the cache is cleared`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
  }
  for (const name of readdirSync(folder)) {
    if (name.startsWith(UNFINISHED)) rmSync(join(folder, name), { recursive: true, force: true });
  }
  if (before !== stack) writeFileSync(file, stack);
  return folder;
}

/**
 * Empties `folder` where what is asked for (`wanted`, such as a lock file's text) has changed and more than `maxMb` have gathered in it: tools add
 * to such folders with every new version and take nothing away.
 */
export async function boundFolder(folder: string, wanted: string, maxMb: number): Promise<void> {
  const note = `${folder}.wanted`;
  const key = createHash("sha256").update(wanted).digest("hex");
  if (existsSync(note) && readFileSync(note, "utf8") === key) return;
  if (existsSync(folder) && Number.parseInt(await mustRun("du", ["-sm", folder]), 10) > maxMb) {
    info(`${basename(folder)} in the cache has outgrown ${maxMb} MB: it begins anew`);
    rmSync(folder, { recursive: true, force: true });
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(note, key);
}
