/** bin/compile and bin/test-compile of the Deno buildpack, from top to bottom. */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openCache } from "../../lib/build-cache.ts";
import { failing } from "../../lib/causes.ts";
import { run } from "../../lib/command.ts";
import { withConfigVars } from "../../lib/config-vars.ts";
import { declareDependencies, fillFolder } from "../../lib/dependency-folder.ts";
import { installRuntime, type Asked, type NpmRuntime } from "../../lib/npm-runtime.ts";
import { info, step, tellFailures, warn } from "../../lib/output.ts";
import { readOwnFile } from "../../lib/own-file.ts";
import { noteProcessTypes } from "../../lib/process-types.ts";
import { writeProfileScript } from "../../lib/profile-scripts.ts";
import { declareTools, type ToolFolder } from "../../lib/tool-folder.ts";
import { CAUSES } from "./causes.ts";
import { readDenoJson, type DenoJson } from "./deno-json.ts";

type Build = { buildDir: string; cacheDir: string; stack: string; env: NodeJS.ProcessEnv; tools: ToolFolder[]; json: DenoJson; entry: string | undefined };

const RUNTIME: NpmRuntime = { name: "Deno", program: "deno", package: `@deno/linux-${process.arch}-glibc`, path: "deno" };
const MODULES = ".heroku/deno-modules";
const ENTRIES = ["main", "server", "app", "index", "mod"].flatMap((name) => ["ts", "tsx", "js", "mjs"].map((ending) => `${name}.${ending}`));
/** What decides which modules there are, besides the version of Deno. */
const DECIDING = ["deno.lock", "deno.json", "deno.jsonc", "package.json", ".npmrc"];

const [buildDir = "", cacheRoot = "", envDir = "", purpose] = process.argv.slice(2);
const forTests = purpose === "test";

await tellFailures(compile);

async function compile(): Promise<void> {
  const build = prepare();
  step("Installing binaries");
  const version = await installRuntime(build, RUNTIME, askedVersion());

  step("Installing dependencies");
  const modules = await installModules(build, version);
  if (build.json.tasks.has("build")) {
    step("Build");
    failing("The task \"build\" in " + build.json.file, await run("deno", ["task", "build"], { cwd: buildDir, env: build.env }), CAUSES);
  }
  if (modules) await declareDependencies(build, modules);
  await declareTools(build);
  writeProfileScript(buildDir, "deno.sh", [`export PATH="/app/.heroku/deno/bin:$PATH"`, `export DENO_DIR="/app/${MODULES}" DENO_NO_UPDATE_CHECK=1 DENO_NO_PROMPT=1`]);
  const web = build.json.tasks.has("start") ? "deno task start" : build.entry && `deno run --allow-net --allow-env --allow-read ${build.entry}`;
  noteProcessTypes(buildDir, web === undefined ? {} : { web });
  step("Build succeeded!");
}

function prepare(): Build {
  const env = withConfigVars(envDir, process.env);
  const stack = env["STACK"] ?? "";
  // What a registry's certificate is trusted by in the image; Deno has a list of its own otherwise.
  Object.assign(env, { DENO_DIR: join(buildDir, MODULES), DENO_TLS_CA_STORE: "system,mozilla", DENO_NO_UPDATE_CHECK: "1", DENO_NO_PROMPT: "1", NO_COLOR: "1" });
  return { buildDir, cacheDir: openCache(join(cacheRoot, "deno"), stack), stack, env, tools: [], json: readDenoJson(buildDir), entry: ENTRIES.find((file) => existsSync(join(buildDir, file))) };
}

function askedVersion(): Asked | undefined {
  const range = readOwnFile(buildDir, ".deno-version")?.trim().replace(/^v/, "");
  return range ? { range, where: ".deno-version" } : undefined;
}

/** Modules of npm, JSR and the web, in one folder of the slug, so that a dyno asks nobody. */
async function installModules(build: Build, version: string) {
  const install = async (): Promise<void> => {
    // A lock file that does not match is told, not rewritten.
    const lock = existsSync(join(buildDir, "deno.lock")) ? ["--frozen"] : [];
    const deno = async (...args: string[]): Promise<void> => failing(`deno ${args[0]}`, await run("deno", [...args, ...lock], { cwd: buildDir, env: build.env }), CAUSES);
    if (build.entry) await deno("install", "--entrypoint", build.entry);
    // What only tests import is named in deno.json, or found in their files: types are theirs to check.
    if (forTests || !build.entry) await deno("install");
    if (forTests) await deno("test", "--no-run", "--no-check", "--permit-no-files");
  };
  if (!existsSync(join(buildDir, "deno.lock"))) {
    warn("No deno.lock: every build may install other versions than you have tested.", "Run `deno install` and commit the deno.lock that it writes.");
    await install();
    return undefined;
  }
  const hash = createHash("sha256").update(JSON.stringify([version, build.stack, build.entry, forTests]));
  for (const file of DECIDING) hash.update(`\0${file}\0`).update(existsSync(join(buildDir, file)) ? readFileSync(join(buildDir, file)) : "");
  return await fillFolder({ ...build, forTests }, MODULES, hash.digest("hex"), "deno.lock", async () => {
    info("Installing the modules of deno.lock");
    await install();
  });
}
