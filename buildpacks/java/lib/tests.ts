/** What a build for tests leaves for them, whichever tool has built it. */

import { createHash } from "node:crypto";
import { globSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "../../lib/command.ts";

/** bin/test reads it: a word a line. */
const COMMAND = ".heroku/java/test-command";
/** Raise it when something else is to be left for tests. */
const RECIPE = "1";
/** No project files: what is built, and what other tools have brought. */
const NO_SOURCE = new Set(["target", "build", "node_modules", ".git", ".m2", ".heroku", ".gradle"]);

/** Stands for the content of these files of the app, and for what else decides what tests need. */
export function contentKey(buildDir: string, patterns: (string | undefined)[], ...beside: (string | undefined)[]): string {
  const hash = createHash("sha256").update(JSON.stringify([RECIPE, ...beside]));
  const wanted = patterns.filter((pattern) => pattern !== undefined);
  for (const path of globSync(wanted, { cwd: buildDir, exclude: (name) => NO_SOURCE.has(name) }).sort()) {
    const file = join(buildDir, path);
    if (lstatSync(file).isFile()) hash.update(`${path}\0`).update(readFileSync(file)).update("\0");
  }
  return hash.digest("hex");
}

/** Copies what lies in a folder of the cache, and keeps its times. */
export async function copyForTests(from: string, to: string): Promise<void> {
  mkdirSync(to, { recursive: true });
  await mustRun("cp", ["-a", "--reflink=auto", `${from}/.`, to]);
}

/** What bin/test runs in the app's folder. */
export function noteTestCommand(buildDir: string, command: string[]): void {
  writeFileSync(join(buildDir, COMMAND), `${command.join("\n")}\n`);
}
