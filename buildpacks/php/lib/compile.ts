/** bin/compile and bin/test-compile of the PHP buildpack, from top to bottom. */

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openCache } from "../../lib/build-cache.ts";
import { capture, mustRun } from "../../lib/command.ts";
import { withConfigVars } from "../../lib/config-vars.ts";
import { BuildFailure, step, tellFailures } from "../../lib/output.ts";
import { readOwnFile } from "../../lib/own-file.ts";
import { noteProcessTypes } from "../../lib/process-types.ts";
import type { Build } from "./build.ts";
import { checkLock } from "./composer-lock.ts";
import { parseComposerJson, type ComposerJson } from "./composer-json.ts";
import { declarePackages, installPackages, runCompileScript } from "./composer.ts";
import { noteDocumentRoot } from "./document-root.ts";
import { checkPlatform } from "./platform.ts";
import { linkWebServers, writeProfile } from "./web-servers.ts";

const COMPOSER_HOME = "/tmp/composer";
const [buildDir = "", cacheRoot = "", envDir = "", purpose = ""] = process.argv.slice(2);

await tellFailures(async () => {
  const build = await prepare();
  step(`Using PHP version: ${build.phpVersion}, Composer ${build.composerVersion}`);
  const packages = existsSync(join(buildDir, "composer.json")) ? await installPackages(build) : undefined;
  await checkPlatform(build);
  await runCompileScript(build);
  noteDocumentRoot(build);
  linkWebServers(build);
  writeProfile(build);
  noteProcessTypes(buildDir, { web: "heroku-php-apache2" });
  if (packages) await declarePackages(build, packages);
});

async function prepare(): Promise<Build> {
  const manifest = parseComposerJson(readOwnFile(buildDir, "composer.json") ?? "{}");
  const lock = lockFile(manifest);
  const stack = process.env["STACK"] ?? "";
  const cacheDir = openCache(join(cacheRoot, "php"), stack);
  const phpVersion = (await mustRun("php", ["-n", "-r", "echo PHP_VERSION;"])).trim();
  const env: NodeJS.ProcessEnv = {
    COMPOSER_MEMORY_LIMIT: "-1", COMPOSER_PROCESS_TIMEOUT: "0",
    ...withConfigVars(envDir, process.env),
    // In the app's folder it would come into the slug.
    COMPOSER_HOME, COMPOSER_CACHE_DIR: join(cacheDir, "downloads"), COMPOSER_NO_INTERACTION: "1",
    // Composer breaks its messages into lines of that width.
    COLUMNS: "1000",
  };
  if (lock === undefined) askNoServer(env);
  return { buildDir, cacheDir, stack, env, forTests: purpose === "test", phpVersion, composerVersion: await composerVersion(env), manifest, lock };
}

/** Without packages there is nothing to ask a server for; Composer would ask whether a package brings a missing extension. */
function askNoServer(env: NodeJS.ProcessEnv): void {
  env["COMPOSER_DISABLE_NETWORK"] = "1";
  mkdirSync(COMPOSER_HOME, { recursive: true });
  writeFileSync(join(COMPOSER_HOME, "config.json"), '{"repositories": [{"packagist": false}]}');
}

function lockFile({ packages }: ComposerJson): string | undefined {
  const lock = readOwnFile(buildDir, "composer.lock");
  if (lock !== undefined) checkLock(lock);
  else if (packages.length > 0) throw new BuildFailure("composer.json requires packages, but there is no composer.lock.", "Run `composer update`, commit composer.lock (is it in .gitignore?) and push again.");
  return lock;
}

async function composerVersion(env: NodeJS.ProcessEnv): Promise<string> {
  const { stdout } = await capture("composer", ["--version", "--no-ansi", "--no-plugins"], { cwd: "/", env });
  return /\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? "";
}
