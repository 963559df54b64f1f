/** What dynos and later buildpacks need to find Node. */

import { existsSync, accessSync, constants, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BAKED } from "../../lib/baked-node.ts";
import { writeProfileScript, writeProfileScripts } from "../../lib/profile-scripts.ts";
import type { Build } from "./build.ts";

const BUILDPACK = "/opt/paas/buildpacks/nodejs";

/** Writes .profile.d/nodejs.sh and WEB_CONCURRENCY.sh into the slug. */
export function writeProfile({ buildDir }: Build, nodeHome: string, nodeEnv: string): void {
  const path = [`${BUILDPACK}/shim`, ...binFolders(buildDir, nodeHome), "$PATH", "$HOME/bin", "$HOME/node_modules/.bin"];
  writeProfileScript(buildDir, "nodejs.sh", [`export PATH="${path.join(":")}"`, `export NODE_HOME="${nodeHome}"`, `export NODE_ENV=\${NODE_ENV:-${nodeEnv}}`]);
  writeProfileScripts(buildDir, BUILDPACK, "WEB_CONCURRENCY.sh");
}

/** Writes `export` for the buildpacks that follow, where this buildpack's folder is writable. */
export function writeExport({ buildDir }: Build, nodeHome: string): void {
  const folder = join(import.meta.dirname, "..");
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    return;
  }
  const path = [...binFolders(buildDir, nodeHome), "$PATH", join(buildDir, "node_modules/.bin")];
  writeFileSync(join(folder, "export"), `export PATH="${path.join(":")}"\nexport NODE_HOME="${nodeHome}"\n`);
}

function binFolders(buildDir: string, nodeHome: string): string[] {
  const tools = join(buildDir, ".heroku/tools");
  const names = existsSync(tools) ? readdirSync(tools) : [];
  return [...names.map((name) => join(tools, name, "node_modules/.bin")), `${nodeHome}/bin`, ...(nodeHome === BAKED ? [] : [`${BAKED}/bin`])];
}
