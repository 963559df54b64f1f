/** Tells one set of installed packages from another: a hash of everything that decides it. */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "../../lib/command.ts";
import { readOwnFile } from "../../lib/own-file.ts";
import type { Build } from "./build.ts";
import type { Project } from "./package-manager.ts";
import { readRequirements, requirementsFiles } from "./requirements.ts";
import { toolRequirement } from "./tools.ts";
import { wheelFolders } from "./wheels.ts";

/** Raise it when what is kept changes its form. */
const FORMAT = 1;
const VARIABLES = /^(PIP_|UV_|POETRY_|PIPENV_)/;
const LOCK_FILES = ["uv.lock", "poetry.lock", "Pipfile.lock", "Pipfile"];
const PROJECT_FILES = ["pyproject.toml", "setup.py", "setup.cfg", "uv.toml", "poetry.toml"];

/** @returns undefined where packages of this repository itself are copied in: the whole source decides then. */
export async function dependencyKey(build: Build, { manager, file }: Project): Promise<string | undefined> {
  const { buildDir, stack, forTests, pythonVersion, env } = build;
  const requirements = manager === "pip" ? requirementsFiles(build, file).map((name) => readRequirements(buildDir, name)) : [];
  if (requirements.some(({ hasLocalCopies }) => hasLocalCopies) || copiesLocalPackages(buildDir, file)) return undefined;
  const tool = manager === "pip" ? "pip" : toolRequirement(build, manager);
  const variables = Object.entries(env).filter(([name]) => VARIABLES.test(name)).sort();
  const hash = createHash("sha256").update(JSON.stringify([FORMAT, stack, process.arch, forTests, pythonVersion, tool, file, variables]));
  for (const name of [...LOCK_FILES, ...PROJECT_FILES, ...requirements.flatMap(({ files }) => files)]) hash.update(`\0${name}\0${readOwnFile(buildDir, name) ?? ""}`);
  for (const folder of wheelFolders(buildDir)) hash.update(await mustRun("find", [folder, "-type", "f", "-exec", "sha256sum", "{}", "+"], buildDir));
  return hash.digest("hex");
}

/** uv and Poetry link the app itself; other packages by path they copy, unless told to link those too. */
function copiesLocalPackages(buildDir: string, file: string): boolean {
  if (!existsSync(join(buildDir, file))) return false;
  const text = readOwnFile(buildDir, file) ?? "";
  if (file === "uv.lock") return /source = \{ directory = /.test(text);
  if (file === "poetry.lock") return /type = "(?:directory|file)"/.test(text);
  return /^Pipfile/.test(file) && /"?path"?\s*[=:]/.test(text);
}
