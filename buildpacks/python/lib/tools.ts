/** uv, Poetry and Pipenv, from the package index, kept in the cache in an environment of their own. */

import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun, run } from "../../lib/command.ts";
import { failing } from "../../lib/causes.ts";
import { info, step } from "../../lib/output.ts";
import { readOwnFile } from "../../lib/own-file.ts";
import type { Build } from "./build.ts";
import { CAUSES } from "./causes.ts";
import type { Manager } from "./package-manager.ts";

/** One that is known to work, until an app asks for another: what comes out tomorrow changes no app's build. */
const VERSIONS = { uv: "0.13.9", poetry: "2.5.1", pipenv: "2026.10.3" };
const TITLES = { uv: "uv", poetry: "Poetry", pipenv: "Pipenv" };

export type Tool = Exclude<Manager, "pip">;

/** The requirement that names it: `[tool.uv] required-version` or `[tool.poetry] requires-poetry` of pyproject.toml, or our own. */
export function toolRequirement({ buildDir }: Build, tool: Tool): string {
  const text = readOwnFile(buildDir, "pyproject.toml") ?? "";
  const field = { uv: "required-version", poetry: "requires-poetry", pipenv: "" }[tool];
  const asked = field ? new RegExp(`^\\s*${field}\\s*=\\s*["']([^"'\\n]+)["']`, "m").exec(text)?.[1] : undefined;
  if (!asked || !/^[\d.,<>=!~\s*]+$/.test(asked)) return `${tool}==${VERSIONS[tool]}`;
  return `${tool}${/^\d/.test(asked) ? "==" : ""}${asked.replaceAll(" ", "")}`;
}

/** @returns the path of the tool's program. */
export async function installTool(build: Build, tool: Tool): Promise<string> {
  const requirement = toolRequirement(build, tool);
  const folder = join(build.cacheDir, "tools", tool);
  const program = join(folder, "bin", tool);
  const note = join(folder, "installed.json");
  const content = JSON.stringify([requirement, build.pythonVersion]);
  step(`Installing ${TITLES[tool]}`);
  if (existsSync(note) && (readOwnFile(folder, "installed.json") ?? "") === content) info(`${requirement} (cached)`);
  else {
    info(requirement);
    rmSync(folder, { recursive: true, force: true });
    await mustRun("/usr/bin/python3", ["-m", "venv", folder]);
    const args = ["-m", "pip", "install", "--quiet", requirement];
    failing(`Installing ${TITLES[tool]}`, await run(join(folder, "bin/python"), args, { cwd: "/", env: { ...build.env, PIP_REQUIRE_VIRTUALENV: "0", PIP_USER: "0" } }), CAUSES);
    // Last: without it the next build begins anew.
    writeFileSync(note, content);
  }
  return program;
}
