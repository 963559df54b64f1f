/** composer.lock: the packages, each with where it comes from. */

import { existsSync, lstatSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "../../lib/command.ts";
import { parseJsonObject } from "../../lib/json.ts";
import { refuseUnmerged } from "../../lib/lock-file.ts";

type Locked = { dist?: { type?: string; url?: string }; "transport-options"?: { symlink?: boolean } };

/** @throws BuildFailure when the file cannot be read. */
export function checkLock(text: string): void {
  refuseUnmerged("composer.lock", text, "composer update --lock");
  parseJsonObject("composer.lock", text);
}

/** Checksums of packages that are copied, not linked, out of the repository itself: the lock file does not tell when they change. */
export async function copiedPackages(buildDir: string, text: string, env: NodeJS.ProcessEnv): Promise<string> {
  const lock = parseJsonObject("composer.lock", text);
  const packages = [lock["packages"], lock["packages-dev"]].flatMap((list) => (Array.isArray(list) ? (list as Locked[]) : []));
  const copied = packages.filter((locked) => env["COMPOSER_MIRROR_PATH_REPOS"] || locked["transport-options"]?.symlink === false);
  const folders = copied.flatMap(({ dist }) => (dist?.type === "path" && dist.url ? [dist.url] : [])).filter((path) => isFolder(join(buildDir, path)));
  if (folders.length === 0) return "";
  return await mustRun("find", [...folders.sort().map((path) => join(buildDir, path)), "-type", "f", "-exec", "sha256sum", "{}", "+"]);
}

function isFolder(path: string): boolean {
  return existsSync(path) && lstatSync(path).isDirectory();
}
