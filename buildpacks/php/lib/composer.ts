/** Installs the app's packages with Composer, or finds the last build's again. */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { failing } from "../../lib/causes.ts";
import { run } from "../../lib/command.ts";
import { declareDependencies, fillFolder, type DependencyFolder } from "../../lib/dependency-folder.ts";
import { hasBelow } from "../../lib/folders-below.ts";
import { info, step, warn } from "../../lib/output.ts";
import type { Build } from "./build.ts";
import { CAUSES } from "./causes.ts";
import { copiedPackages } from "./composer-lock.ts";

/** Composer's usage, and every file of PHP's settings, after an error. */
const NOISE = /^\s*(\w[\w-]* \[--|- \/etc\/php\/)/;
const INSTALL = ["install", "--prefer-dist", "--no-interaction", "--no-progress", "--no-ansi"];
/** What every build writes anew in the folder of packages, whatever was there: the autoloader, and the web servers' commands. */
const WRITTEN_ANEW = /^(autoload\.php|composer|composer\/(autoload_\w+\.php|installed\.(php|json)|platform_check\.php|include_paths\.php|ClassLoader\.php|InstalledVersions\.php|LICENSE)|bin|bin\/heroku-php-(apache2|nginx))$/;

/**
 * Packages first, which the lock file decides; then the autoloader and the scripts, which the app's own classes decide, with every build.
 * @returns what may stay for the next build. @throws BuildFailure with the cause and the fix where Composer's words are known.
 */
export async function installPackages(build: Build): Promise<DependencyFolder | undefined> {
  const { buildDir, lock, manifest } = build;
  step("Installing dependencies using Composer");
  const folder = manifest.vendorDir;
  const isCommitted = existsSync(join(buildDir, folder)) && !hasBelow(folder);
  if (isCommitted && lock) warn(`The folder ${folder} is in this repository: what is in it is used where Composer finds it right, and nothing is kept for the next build.`, `Remove it (\`git rm -r --cached ${folder}\`), add it to .gitignore, commit and push again.`);
  const kept = lock === undefined || isCommitted ? undefined : await fillFolder(build, folder, await keyOf(build, lock), "composer.lock", () => composer(build, [...INSTALL, "--no-scripts", "--no-autoloader"]));
  await composer(build, [...INSTALL, "--optimize-autoloader"]);
  return kept;
}

/** Heroku's hook: the script `compile` of composer.json. */
export async function runCompileScript(build: Build): Promise<void> {
  if (build.manifest.scripts["compile"] === undefined) return;
  step("Running `composer compile`");
  await composer(build, ["run-script", "compile", "--no-interaction", "--no-ansi"]);
}

/** At the end of the build: the packages may stay for the next one, if no script has changed them. */
export async function declarePackages(build: Build, kept: DependencyFolder): Promise<void> {
  await declareDependencies(build, kept, WRITTEN_ANEW);
}

async function composer({ buildDir, env, forTests }: Build, given: string[]): Promise<void> {
  const args = forTests ? given : [...given, "--no-dev"];
  info(`Running: composer ${args.filter((arg) => !/^--no-(progress|ansi|interaction)$/.test(arg)).join(" ")}`);
  failing(`composer ${args[0]}`, await run("composer", args, { cwd: buildDir, env, shows: (line) => !NOISE.test(line) }), CAUSES);
}

async function keyOf({ buildDir, stack, env, forTests, phpVersion, composerVersion, manifest }: Build, lock: string): Promise<string> {
  const variables = Object.entries(env).filter(([name]) => name.startsWith("COMPOSER_") && name !== "COMPOSER_AUTH").sort();
  const hash = createHash("sha256").update(JSON.stringify([stack, process.arch, forTests, phpVersion, composerVersion, variables]));
  for (const text of [lock, manifest.text, await copiedPackages(buildDir, lock, env)]) hash.update(`\0${text}`);
  return hash.digest("hex");
}
