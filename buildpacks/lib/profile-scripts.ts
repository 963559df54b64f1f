/** Scripts that dynos source before they start (.profile.d), in the order of their names. */

import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

/** In the image each program is one script, in the folder of its own buildpack. */
const MEMORY_AVAILABLE = ["profile", "../../lib/profile"].map((folder) => join(import.meta.dirname, folder, "MEMORY_AVAILABLE.sh")).find(existsSync) ?? "";

/** Copies `scripts` into the slug, after the one that tells the dyno's memory as MEMORY_AVAILABLE. */
export function writeProfileScripts(buildDir: string, ...scripts: string[]): void {
  const folder = join(buildDir, ".profile.d");
  mkdirSync(folder, { recursive: true });
  for (const script of [MEMORY_AVAILABLE, ...scripts]) copyFileSync(script, join(folder, basename(script)));
}

/** Writes one of these lines. */
export function writeProfileScript(buildDir: string, name: string, lines: string[]): void {
  const folder = join(buildDir, ".profile.d");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), `${lines.join("\n")}\n`);
}
