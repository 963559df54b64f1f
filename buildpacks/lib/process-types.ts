/** What compile tells bin/release: the process types that an app without a Procfile gets. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Writes .heroku/release.yml, which bin/release prints; without types it says that there are none. */
export function noteProcessTypes(buildDir: string, types: Record<string, string>): void {
  mkdirSync(join(buildDir, ".heroku"), { recursive: true });
  // A JSON string is a YAML string.
  const lines = Object.entries(types).map(([name, command]) => `  ${name}: ${JSON.stringify(command)}\n`);
  writeFileSync(join(buildDir, ".heroku/release.yml"), lines.length > 0 ? `---\ndefault_process_types:\n${lines.join("")}` : "--- {}\n");
}
