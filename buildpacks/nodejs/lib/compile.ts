/** bin/compile and bin/test-compile of the Node.js buildpack, from top to bottom. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { BAKED } from "../../lib/baked-node.ts";
import { openCache } from "../../lib/build-cache.ts";
import { startOver, hasBelow } from "../../lib/folders-below.ts";
import { BuildFailure, info, step, tellFailures, warn } from "../../lib/output.ts";
import type { Build, Toolchain } from "./build.ts";
import { keepDirectories, restoreDirectories } from "./cache-directories.ts";
import { declareModules } from "./modules-below.ts";
import { buildEnvironment, showEnvironment } from "./environment.ts";
import { installDependencies } from "./install.ts";
import { declareTools } from "../../lib/tool-folder.ts";
import { installNode } from "./node-install.ts";
import { setManagerEnvironment } from "./manager-environment.ts";
import { resolveNode } from "./node-version.ts";
import { readPackageJson } from "../../lib/package-json.ts";
import { noteProcessTypes } from "../../lib/process-types.ts";
import { choosePackageManager, installPackageManager, type Choice } from "./package-manager.ts";
import { writeExport, writeProfile } from "./profile.ts";
import { pruneDevDependencies } from "./prune.ts";
import { prepareScriptsForDynos, runBuildScript, runScript } from "./scripts.ts";

const [buildDir = "", cacheRoot = "", envDir = "", purpose] = process.argv.slice(2);
const forTests = purpose === "test";

await tellFailures(compile);

async function compile(): Promise<void> {
  const build = prepare();
  const choice = choosePackageManager(build);

  step("Creating runtime environment");
  showEnvironment(build.env);
  setManagerEnvironment(build, choice.manager);

  step("Installing binaries");
  const tools = await installBinaries(build, choice);

  const hasPrebuild = build.pkg.scripts["heroku-prebuild"] !== undefined;
  if (hasPrebuild) {
    // It may change what decides the dependencies, and anything else: not on top of an earlier build.
    startOver();
    step("Prebuild");
    await runScript(build, tools, "heroku-prebuild");
  }
  const installed = await installDependencies(forTests ? asForRelease(build) : build, tools);
  // Tests neither find what another build left in those folders, nor leave something there.
  if (!forTests) await restoreDirectories(build);
  await runBuildScript(build, tools);
  if (!forTests) {
    await keepDirectories(build);
    await pruneDevDependencies(build, tools, installed);
  }
  if (build.pkg.scripts["heroku-cleanup"]) {
    step("Cleanup");
    await runScript(build, tools, "heroku-cleanup");
  }

  if (!hasPrebuild) {
    await declareModules(build, installed);
    await declareTools(build);
  }

  writeProfile(build, tools.node.home, forTests ? "test" : "production");
  writeExport(build, tools.node.home);
  prepareScriptsForDynos(build);
  noteDefaultProcess(build);
  step("Build succeeded!");
}

function prepare(): Build {
  if (existsSync(join(buildDir, ".heroku/node")) && !hasBelow(".heroku/node/bin")) throw new BuildFailure("The folder .heroku/node is in this repository; the buildpack needs it.", "Remove it: `git rm -r .heroku`, commit and push again.");
  const pkg = readPackageJson(buildDir);
  const env = buildEnvironment(envDir, process.env, forTests ? "test" : "production");
  const stack = env["STACK"] ?? "";
  const cacheDir = openCache(join(cacheRoot, "nodejs"), stack);
  return { buildDir, cacheDir, stack, pkg, env, tools: [] };
}

/** What is tested is what will be released, and what was installed for the one is there for the other. */
function asForRelease(build: Build): Build {
  return { ...build, env: { ...build.env, NODE_ENV: "production" } };
}

async function installBinaries(build: Build, choice: Choice): Promise<Toolchain> {
  const { engines, packageManager } = build.pkg;
  info(`engines.node (package.json):   ${engines["node"] ?? "unspecified"}`);
  info(`engines.npm (package.json):    ${engines["npm"] ?? "unspecified (use default)"}`);
  for (const name of ["yarn", "pnpm"]) {
    if (engines[name]) info(`engines.${name} (package.json):   ${engines[name]}`);
  }
  if (packageManager) info(`packageManager (package.json): ${packageManager.split("+")[0]}`);
  info("");
  const version = await resolveNode(build);
  const home = await installNode(build, version);
  build.env["PATH"] = `${home}/bin:${build.env["PATH"]}:${BAKED}/bin:${join(build.buildDir, "node_modules/.bin")}`;
  const managerVersion = await installPackageManager(build, choice, version);
  return { node: { version, home }, ...choice, managerVersion };
}

function noteDefaultProcess({ buildDir, pkg }: Build): void {
  const starts = Boolean(pkg.scripts["start"]) || existsSync(join(buildDir, "server.js"));
  noteProcessTypes(buildDir, starts ? { web: "npm start" } : {});
  if (!starts && !existsSync(join(buildDir, "Procfile"))) warn("This app may not specify any way to start a node process", 'Add a "start" script to package.json, or a Procfile.');
}
