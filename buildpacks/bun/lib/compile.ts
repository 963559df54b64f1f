/** bin/compile and bin/test-compile of the Bun buildpack, from top to bottom. */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openCache } from "../../lib/build-cache.ts";
import { failing } from "../../lib/causes.ts";
import { mustRun, run } from "../../lib/command.ts";
import { withConfigVars } from "../../lib/config-vars.ts";
import { declareDependencies, fillFolder, type DependencyFolder } from "../../lib/dependency-folder.ts";
import { installRuntime, type Asked, type NpmRuntime } from "../../lib/npm-runtime.ts";
import { BuildFailure, info, step, tellFailures, warn } from "../../lib/output.ts";
import { checkOwnFile, readOwnFile } from "../../lib/own-file.ts";
import { declareTools, type ToolFolder } from "../../lib/tool-folder.ts";
import { readPackageJson, type PackageJson } from "../../lib/package-json.ts";
import { noteProcessTypes } from "../../lib/process-types.ts";
import { writeProfileScript } from "../../lib/profile-scripts.ts";
import { CAUSES } from "./causes.ts";

type Build = { buildDir: string; cacheDir: string; stack: string; env: NodeJS.ProcessEnv; tools: ToolFolder[]; pkg: PackageJson; lockFile: string };

const ENTRIES = ["index", "server", "app", "src/index", "src/server"].flatMap((name) => ["ts", "tsx", "js", "mjs"].map((ending) => `${name}.${ending}`));
const OTHER_LOCKS = ["package-lock.json", "yarn.lock", "pnpm-lock.yaml"];
/** What decides which packages there are, besides the lock file and the version of Bun. */
const DECIDING = ["package.json", "bunfig.toml", ".npmrc"];
const PATCHES = "patches";

const [buildDir = "", cacheRoot = "", envDir = "", purpose] = process.argv.slice(2);
const MODE = purpose === "test" ? "test" : "production";

await tellFailures(compile);

async function compile(): Promise<void> {
  const build = prepare();
  step("Installing binaries");
  const version = await installRuntime(build, runtime(), askedVersion(build));

  step("Installing dependencies");
  const modules = await installModules(build, version);
  await runBuildScript(build);
  if (modules) await declareDependencies(build, modules);
  await declareTools(build);
  writeProfileScript(buildDir, "bun.sh", ['export PATH="/app/.heroku/bun/bin:$PATH:/app/node_modules/.bin"', `export NODE_ENV=\${NODE_ENV:-${MODE}}`]);
  const web = defaultWeb(build);
  noteProcessTypes(buildDir, web === undefined ? {} : { web });
  step("Build succeeded!");
}

function prepare(): Build {
  const lockFile = checkOwnFile(buildDir, "bun.lock") ? "bun.lock" : "bun.lockb";
  checkOwnFile(buildDir, lockFile);
  const others = OTHER_LOCKS.filter((file) => existsSync(join(buildDir, file)));
  if (others.length > 0) throw new BuildFailure(`Two lock files: ${lockFile} and ${others.join(" and ")}.`, "Only one package manager can install the dependencies. Keep its lock file alone:", "", `    if you use Bun:  git rm ${others.join(" ")}`, `    otherwise:       git rm ${lockFile}`, "", "then commit and push again.");
  const env = withConfigVars(envDir, process.env);
  env["NODE_ENV"] ??= MODE;
  Object.assign(env, { NO_COLOR: "1", BUN_INSTALL_CACHE_DIR: "/tmp/bun-cache" });
  const stack = env["STACK"] ?? "";
  return { buildDir, cacheDir: openCache(join(cacheRoot, "bun"), stack), stack, env, tools: [], pkg: readPackageJson(buildDir), lockFile };
}

/** Bun's usual program needs AVX2; the baseline one runs on every processor. */
function runtime(): NpmRuntime {
  const isOld = process.arch === "x64" && !/\bavx2\b/.test(readFileSync("/proc/cpuinfo", "utf8"));
  const machine = process.arch === "arm64" ? "aarch64" : isOld ? "x64-baseline" : "x64";
  return { name: "Bun", program: "bun", package: `@oven/bun-linux-${machine}`, path: "bin/bun" };
}

function askedVersion({ pkg }: Build): Asked | undefined {
  const named = /^bun@([^+]+)/.exec(pkg.packageManager ?? "")?.[1];
  if (named) return { range: named, where: '"packageManager" in package.json' };
  if (pkg.engines["bun"]) return { range: pkg.engines["bun"], where: '"engines.bun" in package.json' };
  const file = readOwnFile(buildDir, ".bun-version")?.trim().replace(/^v/, "");
  return file ? { range: file, where: ".bun-version" } : undefined;
}

/** Without pruning: what a build script needs and what a dyno needs cannot be told apart without installing twice. */
async function installModules(build: Build, version: string): Promise<DependencyFolder | undefined> {
  const install = async (): Promise<void> => {
    info(`Installing the packages of ${build.lockFile}`);
    failing("bun install", await run("bun", ["install", "--frozen-lockfile"], { cwd: buildDir, env: build.env }), CAUSES);
  };
  if (existsSync(join(buildDir, "node_modules"))) warn("node_modules checked into source control", "Remove it: `git rm -r --cached node_modules`, and add it to .gitignore.");
  // Packages of a workspace, and install scripts of the app, make more than one folder tells.
  if (build.pkg.raw["workspaces"] !== undefined || ["preinstall", "install", "postinstall", "prepare"].some((name) => build.pkg.scripts[name])) {
    await install();
    return undefined;
  }
  const hash = createHash("sha256").update(JSON.stringify([version, build.stack]));
  for (const file of [build.lockFile, ...DECIDING]) hash.update(`\0${file}\0`).update(existsSync(join(buildDir, file)) ? readFileSync(join(buildDir, file)) : "");
  if (existsSync(join(buildDir, PATCHES))) hash.update(await mustRun("find", [PATCHES, "-type", "f", "-exec", "sha256sum", "{}", "+"], buildDir));
  return await fillFolder(build, "node_modules", hash.digest("hex"), build.lockFile, install);
}

/** Heroku's rule for Node.js: `heroku-postbuild` takes the place of `build`. */
async function runBuildScript({ pkg, env }: Build): Promise<void> {
  const name = pkg.scripts["heroku-postbuild"] ? "heroku-postbuild" : pkg.scripts["build"] ? "build" : undefined;
  if (!name) return;
  step("Build");
  info(`Running ${name}`);
  failing(`The script "${name}" in package.json`, await run("bun", ["run", name], { cwd: buildDir, env }), CAUSES);
}

function defaultWeb({ pkg }: Build): string | undefined {
  if (pkg.scripts["start"]) return "bun run start";
  const entry = [pkg.raw["module"], pkg.raw["main"], ...ENTRIES].find((file): file is string => typeof file === "string" && /^[\w./-]+$/.test(file) && existsSync(join(buildDir, file)));
  return entry && `bun run ${entry}`;
}
