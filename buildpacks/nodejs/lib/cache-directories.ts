/** `cacheDirectories` of package.json: folders that the app asks to find again in its next build. */

import { existsSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { mustRun } from "../../lib/command.ts";
import { BuildFailure, info, step } from "../../lib/output.ts";
import type { Build } from "./build.ts";

/** node_modules itself is kept anyway. */
export function cacheDirectories({ pkg }: Build): string[] {
  return pkg.cacheDirectories.map(checked).filter((path) => path !== "node_modules");
}

function checked(path: string): string {
  const plain = normalize(path).replace(/\/$/, "");
  if (plain.startsWith("/") || plain === "." || plain.startsWith("..")) throw new BuildFailure(`"cacheDirectories" in package.json names "${path}".`, "It may only name folders inside the app.");
  return plain;
}

export async function restoreDirectories(build: Build): Promise<void> {
  const paths = cacheDirectories(build);
  if (paths.length === 0 || build.env["NODE_MODULES_CACHE"] === "false") return;
  step("Restoring cacheDirectories (package.json)");
  for (const path of paths) {
    const kept = join(build.cacheDir, "directories", path);
    const home = join(build.buildDir, path);
    if (existsSync(home)) info(`- ${path} (exists - skipping)`);
    else if (!existsSync(kept)) info(`- ${path} (not cached - skipping)`);
    else {
      info(`- ${path}`);
      await copy(kept, home);
    }
  }
}

export async function keepDirectories(build: Build): Promise<void> {
  rmSync(join(build.cacheDir, "directories"), { recursive: true, force: true });
  const paths = cacheDirectories(build);
  if (paths.length === 0 || build.env["NODE_MODULES_CACHE"] === "false") return;
  step("Saving cacheDirectories (package.json)");
  for (const path of paths) {
    const isThere = existsSync(join(build.buildDir, path));
    info(`- ${path}${isThere ? "" : " (nothing to cache)"}`);
    if (isThere) await copy(join(build.buildDir, path), join(build.cacheDir, "directories", path));
  }
}

async function copy(from: string, to: string): Promise<void> {
  mkdirSync(dirname(to), { recursive: true });
  await mustRun("cp", ["-a", "--reflink=auto", from, to]);
}
