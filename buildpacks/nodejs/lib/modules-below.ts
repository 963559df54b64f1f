/** Installed dependencies that lie in the layer below: brought back to what the package manager had left, and declared for the next build. */

import { lstatSync, rmSync } from "node:fs";
import { join } from "node:path";
import { compareListings, listFolders, topmost } from "../../lib/folder-listing.ts";
import { declareFolder, isBelow, notesBelow, leaveNotes, startOver } from "../../lib/folders-below.ts";
import type { Build } from "./build.ts";
import { cacheDirectories } from "./cache-directories.ts";
import { restoreSome, type Kept } from "./dependency-cache.ts";
import type { Installed } from "./install.ts";
import { hasInstallScripts } from "./scripts.ts";

const NOTES = "nodejs.json";
/** More than that is no small difference any more: unpacking all is as quick. */
const MAX_NOTES = 128 * 1024;
const SCRIPTS = ["build", "heroku-postbuild", "heroku-cleanup"];

/** How the slug's folders differ from what was installed. */
export type ModulesBelow = {
  paths: string[];
  /** By what scripts left in them. */
  added: string[];
  /** By what scripts changed and pruning removed or wrote anew. */
  missing: string[];
};

/** The dependencies under that key, if the app has them already. Where it has others, the build begins again without them. */
export function modulesBelow(key: string | undefined): ModulesBelow | undefined {
  if (!isBelow("node_modules", key)) return undefined;
  const modules = JSON.parse(notesBelow(NOTES)) as ModulesBelow;
  return modules.paths.every((path) => isBelow(path, key)) ? modules : undefined;
}

/**
 * Puts the folders back into the state in which the package manager left them, where a script might notice.
 * @returns what the cache knows about them, and whether they are still as pruning left them
 */
export async function bringBack(build: Build, key: string, { added, missing }: ModulesBelow): Promise<{ restored: Kept | undefined; isPruned: boolean }> {
  const isPruned = !runsScripts(build);
  const restored = await restoreSome(build, key, isPruned ? [] : missing);
  if (isPruned) return { restored, isPruned };
  if (!restored) startOver();
  for (const path of added) rmSync(join(build.buildDir, path), { recursive: true, force: true });
  return { restored, isPruned };
}

function runsScripts(build: Build): boolean {
  return hasInstallScripts(build.pkg) || SCRIPTS.some((name) => build.pkg.scripts[name]) || cacheDirectories(build).length > 0;
}

/** At the end of the build: what was installed may stay where it is for the next one. */
export async function declareModules({ buildDir }: Build, { key, installed, below }: Installed): Promise<void> {
  if (!key) return;
  const modules = below ?? (installed && differences(installed.paths, compareListings(installed.before, await listFolders(buildDir, installed.paths))));
  const notes = JSON.stringify(modules ?? "");
  if (!modules || notes.length > MAX_NOTES || !modules.paths.every((path) => lstatSync(join(buildDir, path), { throwIfNoEntry: false })?.isDirectory())) return;
  leaveNotes(NOTES, notes);
  for (const path of modules.paths) declareFolder(path, key);
}

function differences(paths: string[], { added, removed, changed }: ReturnType<typeof compareListings>): ModulesBelow {
  return { paths, added: topmost(added), missing: [...topmost(removed), ...changed] };
}
