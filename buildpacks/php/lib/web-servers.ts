/** heroku-php-apache2 and heroku-php-nginx, where Procfiles written for Heroku look for them. */

import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeProfileScripts } from "../../lib/profile-scripts.ts";
import type { Build } from "./build.ts";

const BUILDPACK = join(import.meta.dirname, "..");

/** Links both into the folder of the packages' programs, in place of what the package heroku/heroku-buildpack-php may have put there. */
export function linkWebServers({ buildDir, manifest: { binDir } }: Build): void {
  mkdirSync(join(buildDir, binDir), { recursive: true });
  for (const name of ["heroku-php-apache2", "heroku-php-nginx"]) {
    const path = join(buildDir, binDir, name);
    rmSync(path, { force: true });
    symlinkSync(join(BUILDPACK, "serve", name), path);
  }
}

/** Writes .profile.d scripts into the slug: both commands and PHP's settings are found without a path, too. */
export function writeProfile({ buildDir, manifest: { binDir } }: Build): void {
  writeProfileScripts(buildDir, BUILDPACK);
  writeFileSync(join(buildDir, ".profile.d/php.sh"), readFileSync(join(BUILDPACK, "profile/php.sh"), "utf8").replace("@BIN@", binDir));
}
