/** A note from a buildpack's compile to its release: the command of the process type web where no Procfile says one. */

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export function noteDefaultWeb(buildDir: string, command: string | undefined): void {
  const note = join(buildDir, ".heroku/default-web");
  mkdirSync(join(buildDir, ".heroku"), { recursive: true });
  if (command === undefined) rmSync(note, { force: true });
  else writeFileSync(note, `${command}\n`);
}

/** Writes a file that dynos source before they start. */
export function writeProfileScript(buildDir: string, name: string, lines: string[]): void {
  mkdirSync(join(buildDir, ".profile.d"), { recursive: true });
  writeFileSync(join(buildDir, ".profile.d", name), `${lines.join("\n")}\n`);
}
