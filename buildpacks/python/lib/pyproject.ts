/** The packages that a project without a lock file names in pyproject.toml (packaging.python.org: pyproject-toml, dependency-groups). */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../lib/command.ts";
import { BuildFailure } from "../../lib/output.ts";
import { readOwnFile } from "../../lib/own-file.ts";
import type { Build } from "./build.ts";

/** Extras and groups of these names are what tests need. */
const READ = `
import json, tomllib
document = tomllib.load(open("pyproject.toml", "rb"))
project, groups = document.get("project", {}), document.get("dependency-groups", {})
def group(name):
    return [each for entry in groups.get(name, []) for each in (group(entry["include-group"]) if isinstance(entry, dict) else [entry])]
tests = [each for name in ("test", "tests", "dev") for each in project.get("optional-dependencies", {}).get(name, []) + group(name)]
print(json.dumps({"packages": project.get("dependencies", []), "forTests": tests}))
`;

/**
 * What pip is told to install: a project that says how it is built itself, as a link, of any other only what it names; for tests what those need as well.
 * @throws BuildFailure with Python's words where pyproject.toml cannot be read.
 */
export async function projectPackages(build: Build): Promise<string[]> {
  const { buildDir, forTests } = build;
  const isPackage = existsSync(join(buildDir, "setup.py")) || /^\s*\[build-system\]/m.test(readOwnFile(buildDir, "pyproject.toml") ?? "");
  if (isPackage && !forTests) return ["--editable", "."];
  const declared = existsSync(join(buildDir, "pyproject.toml")) ? await readProject(build) : { packages: [], forTests: [] };
  return [...(isPackage ? ["--editable", "."] : declared.packages), ...(forTests ? declared.forTests : [])];
}

async function readProject({ buildDir, home, env }: Build): Promise<{ packages: string[]; forTests: string[] }> {
  const { code, output } = await run(join(home, "bin/python"), ["-c", READ], { cwd: buildDir, env, shows: () => false });
  if (code === 0) return JSON.parse(output) as { packages: string[]; forTests: string[] };
  throw new BuildFailure(`Unable to read pyproject.toml: ${output.split("\n").at(-1)?.replace(/^[\w.]+: /, "")}.`, "Fix its syntax, commit and push again.");
}
