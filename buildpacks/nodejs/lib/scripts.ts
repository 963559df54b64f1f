/** package.json's scripts: run during the build, and prepared so that a dyno starts them without npm. */

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BAKED } from "../../lib/baked-node.ts";
import { causeOf } from "../../lib/causes.ts";
import { run } from "../../lib/command.ts";
import { BuildFailure, info, step } from "../../lib/output.ts";
import type { Build, Toolchain } from "./build.ts";
import { CAUSES } from "./causes.ts";
import type { PackageJson } from "../../lib/package-json.ts";
import { readOwnFile } from "../../lib/own-file.ts";
import { quoted } from "../../lib/quoted.ts";

/** Settings of npm that change how scripts run: npm itself must then run them. */
const NPMRC_FOR_SCRIPTS = /^\s*(script-shell|node-options|ignore-scripts|shell|foreground-scripts)\s*=/m;
const SAFE_NAME = /^[A-Za-z0-9][A-Za-z0-9:._-]*$/;
const OUT_OF_MEMORY = 137;

/** Heroku's rule: `heroku-postbuild` takes the place of `build`. */
export async function runBuildScript(build: Build, tools: Toolchain): Promise<void> {
  const { scripts } = build.pkg;
  const name = scripts["heroku-postbuild"] ? "heroku-postbuild" : scripts["build"] ? "build" : undefined;
  if (!name) return;
  step("Build");
  if (scripts["heroku-postbuild"] && scripts["build"]) info('Detected both "build" and "heroku-postbuild" scripts');
  await runScript(build, tools, name, name === "build" ? (build.env["NODE_BUILD_FLAGS"]?.split(" ").filter(Boolean) ?? []) : []);
}

/** @throws BuildFailure with the script's name and, where it is known, the cause. */
export async function runScript(build: Build, tools: Toolchain, name: string, flags: string[] = []): Promise<void> {
  const isPlain = tools.manager === "npm" && flags.length === 0 && canRunPlainly(build);
  info(`Running ${name}${tools.manager === "npm" ? "" : ` (${tools.manager === "berry" ? "yarn" : tools.manager})`}`);
  if (!isPlain) {
    const program = tools.manager === "berry" ? "yarn" : tools.manager;
    const separator = program === "yarn" || flags.length === 0 ? [] : ["--"];
    return failing(name, await run(program, ["run", name, ...separator, ...flags], { cwd: build.buildDir, env: build.env }));
  }
  for (const part of [`pre${name}`, name, `post${name}`]) {
    const script = build.pkg.scripts[part];
    if (script) await runPlainly(build, part, script);
  }
}

/** The scripts of the app itself that `npm ci` runs, in its order. */
export const INSTALL_SCRIPTS = ["preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare"];

export function hasInstallScripts(pkg: PackageJson): boolean {
  return INSTALL_SCRIPTS.some((name) => pkg.scripts[name]);
}

/** For dependencies that come from the cache: what npm would have run after installing them. */
export async function runInstallScripts(build: Build): Promise<void> {
  for (const name of INSTALL_SCRIPTS) {
    const script = build.pkg.scripts[name];
    if (script) await runPlainly(build, name, script);
  }
}

/** A shell does in 2 ms what `npm run` does in 250. */
async function runPlainly(build: Build, name: string, script: string): Promise<void> {
  for (const line of ["", ...banner(build.pkg, name, script), ""]) info(line);
  const env: NodeJS.ProcessEnv = { ...build.env, ...scriptEnvironment(build.pkg, name, script), INIT_CWD: build.buildDir, npm_node_execpath: process.execPath };
  env["PATH"] = `${join(build.buildDir, "node_modules/.bin")}:${build.env["PATH"]}`;
  failing(name, await run("/bin/sh", ["-c", script], { cwd: build.buildDir, env }));
}

function failing(name: string, { code, output }: { code: number; output: string }): void {
  if (code === 0) return;
  const cause = code === OUT_OF_MEMORY ? ["It was killed: the build ran out of memory."] : causeOf(CAUSES, output);
  throw new BuildFailure(`The script "${name}" in package.json failed (exit code ${code}).`, ...cause);
}

export function canRunPlainly({ buildDir }: Build): boolean {
  return !NPMRC_FOR_SCRIPTS.test(existsSync(join(buildDir, ".npmrc")) ? (readOwnFile(buildDir, ".npmrc") ?? "") : "");
}

/** Leaves what shim/npm reads: one file a script, which becomes the script. */
export function prepareScriptsForDynos(build: Build): void {
  const scripts = { ...build.pkg.scripts };
  if (!scripts["start"] && existsSync(join(build.buildDir, "server.js"))) scripts["start"] = "node server.js";
  if (!canRunPlainly(build)) return;
  const folder = join(build.buildDir, ".heroku/npm-scripts");
  mkdirSync(folder, { recursive: true });
  for (const [name, script] of Object.entries(scripts)) {
    // What must run afterwards needs someone to wait: npm.
    if (!SAFE_NAME.test(name) || scripts[`post${name}`]) continue;
    const lines = [];
    const before = scripts[`pre${name}`];
    if (before) lines.push(...stage(build.pkg, `pre${name}`, before), `/bin/sh -c ${quoted(before)} || exit`);
    lines.push(...stage(build.pkg, name, script), "source /opt/paas/bin/become", `become sh ${quoted(script)}`);
    writeFileSync(join(folder, name), `${lines.join("\n")}\n`);
  }
}

function stage(pkg: PackageJson, name: string, script: string): string[] {
  const variables = Object.entries(scriptEnvironment(pkg, name, script)).map(([key, value]) => `${key}=${quoted(value)}`);
  const path = 'PATH=/app/node_modules/.bin:${PATH#/app/node_modules/.bin:}';
  return [`export ${[...variables, path].join(" ")}`, `printf '\\n%s\\n%s\\n\\n' ${banner(pkg, name, script).map(quoted).join(" ")}`];
}

/** As npm prints it. */
function banner({ name = "app", version }: PackageJson, script: string, command: string): [string, string] {
  return [`> ${name}${version ? `@${version}` : ""} ${script}`, `> ${command.replaceAll("\n", " ")}`];
}

/** What npm tells scripts (docs.npmjs.com: using-npm/scripts#environment). */
function scriptEnvironment(pkg: PackageJson, event: string, script: string): Record<string, string> {
  const config = pkg.raw["config"];
  const variables: Record<string, string> = {
    npm_lifecycle_event: event,
    npm_lifecycle_script: script,
    npm_command: event === "start" ? "start" : "run-script",
    npm_execpath: `${BAKED}/lib/node_modules/npm/bin/npm-cli.js`,
    npm_package_json: "/app/package.json",
    npm_package_name: pkg.name ?? "",
    npm_package_version: pkg.version ?? "",
  };
  for (const [key, value] of Object.entries(typeof config === "object" && config ? config : {})) {
    if (/^\w+$/.test(key)) variables[`npm_package_config_${key}`] = String(value);
  }
  return variables;
}
