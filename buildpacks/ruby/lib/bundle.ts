/** Installs the app's gems with Bundler, or finds the last build's again. */

import { createHash } from "node:crypto";
import { existsSync, globSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { boundFolder } from "../../lib/build-cache.ts";
import { failing } from "../../lib/causes.ts";
import { mustRun, run } from "../../lib/command.ts";
import { fillFolder, type DependencyFolder } from "../../lib/dependency-folder.ts";
import { readOwnFile } from "../../lib/own-file.ts";
import { info, step } from "../../lib/output.ts";
import type { Build } from "./build.ts";
import { CAUSES } from "./causes.ts";
import { lockedGems } from "./gemfile-lock.ts";

const GEMS = "vendor/bundle";
/** Of gems as servers deliver them: a new lock file, or a build for tests, fetches only those that are new. */
const DOWNLOADS_MB = 1024;
const VENDORED = "vendor/cache";

/** @throws BuildFailure with the cause and the fix where Bundler's words are known. */
export async function installGems(build: Build): Promise<DependencyFolder> {
  step(`Installing dependencies using Bundler ${build.bundlerVersion}`);
  return await fillFolder({ ...build, forTests: build.mode === "test" }, GEMS, await keyOf(build), "Gemfile.lock", async () => {
    const args = ["install", "--jobs", "4", "--retry", "2", ...(isVendored(build) ? ["--local"] : [])];
    info(`Running: bundle ${args.join(" ")}`);
    const downloads = join(build.cacheDir, "downloads");
    await boundFolder(downloads, build.lock, DOWNLOADS_MB);
    failing("bundle install", await run("bundle", args, { cwd: build.buildDir, env: { ...build.env, BUNDLE_GLOBAL_GEM_CACHE: "true", BUNDLE_USER_CACHE: downloads } }), CAUSES);
    // Compiled anew: Bundler installs a gem otherwise from what it compiled before, and the same commit makes the same slug.
    rmSync(join(downloads, "extensions"), { recursive: true, force: true });
    for (const copies of globSync(`${GEMS}/ruby/*/cache`, { cwd: build.buildDir })) rmSync(join(build.buildDir, copies), { recursive: true });
  });
}

/** Whether vendor/cache has every gem: no server need be asked then. */
function isVendored({ buildDir, lock }: Build): boolean {
  if (!existsSync(join(buildDir, VENDORED))) return false;
  const files = readdirSync(join(buildDir, VENDORED));
  return lockedGems(lock).every(({ name, version }) => files.some((file) => file === `${name}-${version}.gem` || (file.startsWith(`${name}-${version}-`) && file.endsWith(".gem"))));
}

async function keyOf({ buildDir, stack, lock, env, rubyVersion, bundlerVersion }: Build): Promise<string> {
  const variables = Object.entries(env).filter(([name]) => name.startsWith("BUNDLE_")).sort();
  const hash = createHash("sha256").update(JSON.stringify([stack, process.arch, rubyVersion, bundlerVersion, variables]));
  for (const text of [lock, readOwnFile(buildDir, "Gemfile"), readOwnFile(buildDir, ".ruby-version"), readOwnFile(buildDir, ".bundle/config")]) hash.update(`\0${text ?? ""}`);
  if (existsSync(join(buildDir, VENDORED))) hash.update(await mustRun("find", [VENDORED, "-type", "f", "-exec", "sha256sum", "{}", "+"], buildDir));
  return hash.digest("hex");
}
