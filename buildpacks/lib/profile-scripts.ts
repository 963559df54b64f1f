/** Scripts that dynos source before they start (.profile.d), in the order of their names. */

import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

/** Copies `scripts` into the slug, after the one that tells the dyno's memory as MEMORY_AVAILABLE. */
export function writeProfileScripts(buildDir: string, ...scripts: string[]): void {
  const folder = join(buildDir, ".profile.d");
  mkdirSync(folder, { recursive: true });
  for (const script of [join(import.meta.dirname, "profile/MEMORY_AVAILABLE.sh"), ...scripts]) copyFileSync(script, join(folder, basename(script)));
}

/** Writes one of these lines. */
export function writeProfileScript(buildDir: string, name: string, lines: string[]): void {
  const folder = join(buildDir, ".profile.d");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), `${lines.join("\n")}\n`);
}
