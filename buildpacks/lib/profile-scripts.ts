/** Scripts that dynos source before they start (.profile.d), in the order of their names. */

import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

/**
 * Copies scripts of a buildpack's `profile` folder into the slug, after the one that tells the dyno's memory as MEMORY_AVAILABLE.
 * @param buildpack its folder: this file's own is none that counts, for in the image each buildpack's program is one script
 */
export function writeProfileScripts(buildDir: string, buildpack: string, ...names: string[]): void {
  const folder = join(buildDir, ".profile.d");
  mkdirSync(folder, { recursive: true });
  for (const script of ["../lib/profile/MEMORY_AVAILABLE.sh", ...names.map((name) => `profile/${name}`)]) copyFileSync(join(buildpack, script), join(folder, basename(script)));
}

/** Writes one of these lines. */
export function writeProfileScript(buildDir: string, name: string, lines: string[]): void {
  const folder = join(buildDir, ".profile.d");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), `${lines.join("\n")}\n`);
}
