/** Installs the app's packages into its virtual environment, unless it is there as the last build left it. */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { failing } from "../../lib/causes.ts";
import { mustRun, run } from "../../lib/command.ts";
import { fillFolder, type DependencyFolder } from "../../lib/dependency-folder.ts";
import { startOver } from "../../lib/folders-below.ts";
import { keep, restoreKept } from "../../lib/kept-paths.ts";
import { BuildFailure, info, step, warn } from "../../lib/output.ts";
import { readOwnFile } from "../../lib/own-file.ts";
import { HOME, type Build } from "./build.ts";
import { CAUSES } from "./causes.ts";
import { dependencyKey } from "./dependency-key.ts";
import type { Project } from "./package-manager.ts";
import { projectPackages } from "./pyproject.ts";
import { readRequirements, requirementsFiles } from "./requirements.ts";
import { installTool } from "./tools.ts";
import { wheelFolders, withWheels } from "./wheels.ts";

const EMPTY_ENVIRONMENT = "empty-environment";

/**
 * @returns what the next build may find in place (declareDependencies); nothing where packages of this repository are copied in
 * @throws BuildFailure with the cause and the fix where the tool's words are known.
 */
export async function installDependencies(build: Build, project: Project): Promise<DependencyFolder | undefined> {
  checkMerged(build.buildDir, project.file);
  warnUnlocked(build.buildDir, project);
  const key = await dependencyKey(build, project);
  if (key) return await fillFolder(build, HOME, key, project.file, () => installAnew(build, project));
  startOver();
  await installAnew(build, project);
  return undefined;
}

async function installAnew(build: Build, project: Project): Promise<void> {
  await makeEnvironment(build, project.manager === "pip");
  for (const folder of wheelFolders(build.buildDir)) info(`Packages in ${folder}/ are offered too`);
  await install({ ...build, env: withWheels(build.env, build.buildDir) }, project);
}

async function install(build: Build, { manager, file }: Project): Promise<void> {
  switch (manager) {
    case "pip": return await installByPip(build, file);
    case "uv": return await must(build, await installTool(build, "uv"), "uv", ["sync", "--locked", ...(build.forTests ? [] : ["--no-default-groups"])]);
    case "poetry": return await must(build, await installTool(build, "poetry"), "poetry", ["sync", ...(build.forTests ? [] : ["--only", "main"])]);
    case "pipenv": return await must(build, await installTool(build, "pipenv"), "pipenv", ["install", file === "Pipfile.lock" ? "--deploy" : "--skip-lock", ...(build.forTests ? ["--dev"] : [])]);
  }
}

async function installByPip(build: Build, file: string): Promise<void> {
  const args = [...requirementsFiles(build, file).flatMap((each) => ["-r", each]), ...(file === "requirements.txt" ? [] : await projectPackages(build))];
  if (args.length === 0) return info("pyproject.toml names no packages");
  await must(build, join(build.home, "bin/python"), "pip", ["-m", "pip", "install", ...args], `pip install ${args.join(" ")}`);
}

async function must(build: Build, program: string, name: string, args: string[], shown = `${name} ${args.join(" ")}`): Promise<void> {
  step(`Installing dependencies using '${shown}'`);
  failing(`${name} ${args.find((arg) => /^[a-z]{4,}$/.test(arg))}`, await run(program, args, { cwd: build.buildDir, env: build.env, shows: (line) => line.trim() !== "" }), CAUSES);
}

/** Making an empty environment with pip in it takes seconds, and it is always the same. */
async function makeEnvironment(build: Build, withPip: boolean): Promise<void> {
  const key = `${build.stack} ${build.pythonVersion} ${process.arch} ${withPip}`;
  if (await restoreKept(build, EMPTY_ENVIRONMENT, key)) return;
  rmSync(build.home, { recursive: true, force: true });
  await mustRun("/usr/bin/python3", ["-m", "venv", ...(withPip ? [] : ["--without-pip"]), build.home]);
  await keep(build, EMPTY_ENVIRONMENT, key, { paths: [HOME] });
}

function checkMerged(buildDir: string, file: string): void {
  const lines = (readOwnFile(buildDir, file) ?? "").split("\n");
  const at = lines.findIndex((line) => /^(<{7}|>{7}) /.test(line));
  if (at >= 0) throw new BuildFailure(`${file} is the leftover of a merge: line ${at + 1} is ${JSON.stringify(lines[at]?.slice(0, 60))}.`, "Resolve the conflict, commit and push again.");
}

function warnUnlocked(buildDir: string, { file, manager }: Project): void {
  if (file === "Pipfile") return warn("No lock file: every build may install other versions than you have tested.", "Run `pipenv lock` and commit Pipfile.lock.");
  if (manager !== "pip") return;
  if (file === "requirements.txt" && readRequirements(buildDir).isPinned) return;
  warn(`${file} leaves versions open: the next build may install others than you have tested.`, "`pip freeze > requirements.txt` writes down those that you have.");
}
