/** Which packages are installed, and what comes of them: programs in bin/. */

import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { failing } from "../../lib/causes.ts";
import { capture, run } from "../../lib/command.ts";
import { BuildFailure, info, step, warn } from "../../lib/output.ts";
import { noteProcessTypes } from "../../lib/process-types.ts";
import type { Build } from "./build.ts";
import { CAUSES } from "./causes.ts";

const MAIN_PACKAGES = '{{if eq .Name "main"}}{{.ImportPath}}{{end}}';
/** The standard library's packages have no dot in their first element; the first build names some two hundred of them. */
const STANDARD = /^[a-z0-9]+(?:\/[\w.]+)*$/;
/** What may be the name of a process type. */
const TYPE = /^[A-Za-z0-9_-]+$/;

/** Heroku's order: GO_INSTALL_PACKAGE_SPEC, its comment in go.mod, every main package. */
export async function packagesToInstall(build: Build): Promise<string[]> {
  step("Determining packages to install");
  const { env, mod } = build;
  const spec = env["GO_INSTALL_PACKAGE_SPEC"]?.trim().split(/\s+/).filter(Boolean) ?? [];
  if (spec.length > 0) return told("GO_INSTALL_PACKAGE_SPEC", spec);
  if (mod.herokuInstall.length > 0) return told("// +heroku install in go.mod", mod.herokuInstall);
  return told("the main packages", await mainPackages(build));
}

function told(by: string, packages: string[]): string[] {
  info(`Packages to install (${by}):`);
  for (const each of packages) info(`  ${each}`);
  return packages;
}

async function mainPackages({ buildDir, env }: Build): Promise<string[]> {
  const { code, stdout, stderr } = await capture("go", ["list", "-find", "-tags", "heroku", "-f", MAIN_PACKAGES, "./..."], { cwd: buildDir, env });
  if (code !== 0) for (const line of stderr.trim().split("\n")) info(line);
  failing("go list ./...", { code, output: stderr }, CAUSES);
  const found = stdout.split("\n").filter(Boolean);
  if (found.length === 0) throw new BuildFailure("There is no program in this repository: no package is named main.", "A program's files begin with `package main` and have a `func main()`.", "Are they in a module of their own further down? Push that folder, or name it in the config var GO_INSTALL_PACKAGE_SPEC.");
  return found;
}

/** @returns the names of the programs that are new in bin/. @throws BuildFailure with cause and fix where the go command's words are known. */
export async function installPackages(build: Build, packages: string[]): Promise<string[]> {
  const bin = join(build.buildDir, "bin");
  const before = new Set(existsSync(bin) ? readdirSync(bin) : []);
  const args = ["install", "-v", "-tags", "heroku", ...linkerFlags(build.env), ...packages];
  step(`Running: go ${args.join(" ")}`);
  failing("go install", await run("go", args, { cwd: build.buildDir, env: build.env, shows: (line) => !STANDARD.test(line) }), CAUSES);
  const made = existsSync(bin) ? readdirSync(bin).filter((name) => !before.has(name)) : [];
  step("Installed the following binaries");
  for (const name of made) info(`./bin/${name}`);
  return made.sort();
}

/** Heroku's way to tell a program its version. */
function linkerFlags(env: NodeJS.ProcessEnv): string[] {
  const symbol = env["GO_LINKER_SYMBOL"];
  return symbol ? ["-ldflags", `-X ${symbol}=${env["GO_LINKER_VALUE"] ?? env["SOURCE_VERSION"] ?? ""}`] : [];
}

/** One program serves; of several each is a process type by its name, and the one that is named as the module serves. */
export function noteTypes({ buildDir, mod }: Build, programs: string[]): void {
  const types: Record<string, string> = Object.fromEntries(programs.filter((name) => TYPE.test(name)).map((name) => [name, `bin/${name}`]));
  const server = programs.length === 1 ? programs[0] : programs.find((name) => name === "web") ?? programs.find((name) => name === programOf(mod.module));
  if (server) {
    delete types[server];
    types["web"] = `bin/${server}`;
  } else if (!existsSync(join(buildDir, "Procfile"))) {
    warn("Which of these programs serves?", `Say so in a Procfile, such as: web: bin/${programs[0] ?? "server"}`);
  }
  noteProcessTypes(buildDir, types);
}

/** The go command leaves a major version out of a program's name. */
function programOf(module: string): string {
  return basename(module.replace(/\/v\d+$/, ""));
}
