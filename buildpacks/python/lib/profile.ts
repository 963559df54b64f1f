/** What dynos and later buildpacks need to find Python and the app's packages. */

import { accessSync, constants, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeProfileScripts } from "../../lib/profile-scripts.ts";
import type { Build } from "./build.ts";

const BUILDPACK = join(import.meta.dirname, "..");

/** Heroku's settings: output comes unbuffered, servers trust the router's headers, gunicorn logs requests. */
const DYNO = [
  "export PYTHONPATH=${PYTHONPATH-$HOME}",
  "export PYTHONUNBUFFERED=${PYTHONUNBUFFERED-1}",
  "export FORWARDED_ALLOW_IPS=${FORWARDED_ALLOW_IPS-*}",
  'export GUNICORN_CMD_ARGS="${GUNICORN_CMD_ARGS---access-logfile -}"',
];

/** Writes .profile.d scripts into the slug. */
export function writeProfile({ buildDir, home }: Build): void {
  writeProfileScripts(buildDir, BUILDPACK, "WEB_CONCURRENCY.sh");
  writeFileSync(join(buildDir, ".profile.d/python.sh"), `${[...activation(home), ...DYNO].join("\n")}\n`);
}

/** Writes `export` for the buildpacks that follow, where this buildpack's folder is writable. */
export function writeExport({ home }: Build): void {
  try {
    accessSync(BUILDPACK, constants.W_OK);
  } catch {
    return;
  }
  writeFileSync(join(BUILDPACK, "export"), `${activation(home).join("\n")}\n`);
}

function activation(home: string): string[] {
  return [`export PATH="${home}/bin:$PATH"`, `export VIRTUAL_ENV="${home}"`];
}
