/** Several packages in one repository, as npm, Yarn and pnpm know them. */

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { mustRun } from "../../lib/command.ts";
import { readOwnFile } from "../../lib/own-file.ts";
import type { Build, Toolchain } from "./build.ts";
import { INSTALL_SCRIPTS } from "./scripts.ts";

/** Scripts that run when a package is installed, and dependencies by path. */
const INSTALLS = new RegExp(`"(?:${INSTALL_SCRIPTS.join("|")})"\\s*:|"(?:file|link|portal):`);

export function isWorkspace({ buildDir, pkg }: Build): boolean {
  return pkg.raw["workspaces"] !== undefined || existsSync(join(buildDir, "pnpm-workspace.yaml"));
}

/** Every package.json of the source, relative to its top; none where it is no workspace. */
export async function workspaceManifests(build: Build): Promise<string[]> {
  if (!isWorkspace(build)) return [];
  const found = await mustRun("find", [".", "-name", "node_modules", "-prune", "-o", "-name", "package.json", "-type", "f", "-print"], build.buildDir);
  return found.split("\n").filter(Boolean).sort();
}

/** Whether its packages are linked where they lie, with nothing to compile or to copy: the lock file and the manifests alone decide what is installed then. */
export function onlyLinks({ buildDir }: Build, { lockFile = "" }: Toolchain, manifests: string[]): boolean {
  // Copies of packages in the repository, as pnpm's lock file tells them.
  if (/^\s+resolution: \{directory: /m.test(readOwnFile(buildDir, lockFile) ?? "") || /install-links/.test(readOwnFile(buildDir, ".npmrc") ?? "")) return false;
  // Words alone: what is no package of the workspace may be no JSON either.
  return manifests.every((path) => !INSTALLS.test(readOwnFile(buildDir, path) ?? "") && !existsSync(join(buildDir, dirname(path), "binding.gyp")));
}
