/** bin/compile and bin/test-compile of the Go buildpack, from top to bottom. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { boundFolder, openCache } from "../../lib/build-cache.ts";
import { failing } from "../../lib/causes.ts";
import { run } from "../../lib/command.ts";
import { info, step, tellFailures } from "../../lib/output.ts";
import { readOwnFile } from "../../lib/own-file.ts";
import { writeProfileScripts } from "../../lib/profile-scripts.ts";
import { declareTools } from "../../lib/tool-folder.ts";
import type { Build } from "./build.ts";
import { goEnvironment, useToolchain } from "./environment.ts";
import { unlinkParts, unmarkCompiled } from "./go-home.ts";
import { readGoMod } from "./go-mod.ts";
import { resolveGo } from "./go-version.ts";
import { installPackages, noteTypes, packagesToInstall } from "./programs.ts";
import { compileTests, writeTestProfile } from "./tests.ts";
import { installToolchain } from "./toolchain.ts";

/** Of downloaded modules; compiled packages are trimmed by the go command itself. */
const MODULES_MB = 2048;

const [buildDir = "", cacheRoot = "", envDir = "", purpose] = process.argv.slice(2);
const forTests = purpose === "test";

await tellFailures(compile);

async function compile(): Promise<void> {
  const build = prepare();
  await boundFolder(join(build.cacheDir, "modules"), readOwnFile(buildDir, "go.sum") ?? "", MODULES_MB);
  info(`Detected Go modules via go.mod${existsSync(join(buildDir, "vendor/modules.txt")) ? ", dependencies in vendor/" : ""}`);
  info(`Detected Module Name: ${build.mod.module}`);

  step("Installing Go");
  const version = await resolveGo(build);
  await useToolchain(build, version, await installToolchain(build, version), forTests);

  if (forTests) unmarkCompiled(build);
  await runHook(build, "bin/go-pre-compile");
  const programs = await installPackages(build, await packagesToInstall(build));
  await runHook(build, "bin/go-post-compile");

  writeProfileScripts(buildDir, join(import.meta.dirname, ".."), "go.sh");
  noteTypes(build, programs);
  if (!forTests) return unlinkParts(buildDir);
  writeTestProfile(build);
  await compileTests(build);
  await declareTools(build);
}

function prepare(): Build {
  const cacheDir = openCache(join(cacheRoot, "go"), process.env["STACK"] ?? "");
  return { buildDir, cacheDir, mod: readGoMod(buildDir), env: goEnvironment(envDir, process.env, buildDir, cacheDir), tools: [] };
}

/** Heroku's: what the app wants done before and after. */
async function runHook({ env }: Build, script: string): Promise<void> {
  if (!existsSync(join(buildDir, script))) return;
  step(`Running ${script} hook`);
  failing(script, await run("bash", [script], { cwd: buildDir, env }), []);
}
