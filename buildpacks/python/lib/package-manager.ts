/** Which program installs the app's packages, told by the files at its top. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { BuildFailure, warn } from "../../lib/output.ts";
import { readOwnFile } from "../../lib/own-file.ts";

export type Manager = "pip" | "uv" | "poetry" | "pipenv";

export type Project = {
  manager: Manager;
  /** What tells which packages: shown to the pusher. */
  file: string;
};

/** In Heroku's order: the first one that is there decides. */
const SIGNS: [file: string, manager: Manager][] = [
  ["Pipfile.lock", "pipenv"],
  ["requirements.txt", "pip"],
  ["poetry.lock", "poetry"],
  ["uv.lock", "uv"],
  ["Pipfile", "pipenv"],
  ["pyproject.toml", "pip"],
  ["setup.py", "pip"],
];

/** @throws BuildFailure where the lock file of the tool that pyproject.toml is written for is missing. */
export function choosePackageManager(buildDir: string): Project {
  const there = SIGNS.filter(([file]) => existsSync(join(buildDir, file)));
  const [file, manager] = there[0] ?? ["setup.py", "pip"];
  const managers = new Set(there.filter(([name]) => name !== "pyproject.toml" && name !== "setup.py").map(([, name]) => name));
  if (managers.size > 1) {
    warn(`Files of more than one package manager are here: ${there.map(([name]) => name).join(", ")}.`, `${file} is used. Remove those that you do not use, so that it is plain which versions are installed.`);
  }
  if (file === "pyproject.toml") checkLocked(buildDir);
  if ((manager === "uv" || manager === "poetry") && !existsSync(join(buildDir, "pyproject.toml"))) throw new BuildFailure(`There is ${file}, but no pyproject.toml beside it.`, "Is it committed? `git add pyproject.toml`, commit and push again.");
  return { manager, file };
}

function checkLocked(buildDir: string): void {
  const text = readOwnFile(buildDir, "pyproject.toml") ?? "";
  for (const tool of ["uv", "poetry"]) {
    if (new RegExp(`^\\s*\\[tool\\.${tool}[.\\]]`, "m").test(text)) throw new BuildFailure(`No lock file: pyproject.toml is written for ${tool}, but there is no ${tool}.lock.`, `Run \`${tool} lock\`, commit ${tool}.lock and push again.`);
  }
  if (!/^\s*\[project\]/m.test(text)) throw new BuildFailure("pyproject.toml has no [project] table, so it names no packages, and there is no requirements.txt.", "List the app's packages in one of the two: `pip freeze > requirements.txt`, commit and push again.");
}
