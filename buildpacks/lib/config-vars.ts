/** The app's config vars over what the build was started with. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Names that would break the build rather than configure the app (Heroku's list). */
const NOT_EXPORTED = new Set(["PATH", "GIT_DIR", "CPATH", "CPPATH", "LD_PRELOAD", "LIBRARY_PATH", "LANG", "BUILD_DIR", "HOME"]);

/** @param envDir one file per config var, as Heroku's buildpack API has it */
export function withConfigVars(envDir: string, inherited: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...inherited };
  for (const name of namesIn(envDir)) {
    if (!NOT_EXPORTED.has(name)) env[name] = readFileSync(join(envDir, name), "utf8");
  }
  return env;
}

function namesIn(envDir: string): string[] {
  try {
    return readdirSync(envDir);
  } catch {
    return [];
  }
}
