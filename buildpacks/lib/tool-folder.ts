/** Tools in the slug: Node and package managers other than the image's. They come from the cache, or lie in the layer below already. */

import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { mustRun } from "./command.ts";
import { compareListings, listFolders, type Listing } from "./folder-listing.ts";
import { declareFolder, isBelow } from "./folders-below.ts";

export type ToolFolder = {
  /** Relative to the app's folder. */
  folder: string;
  /** Name and version. */
  key: string;
  /** What was put there; undefined where it was there already. */
  before: Listing | undefined;
};

/** Where tools are put, and those that were. */
type Places = { buildDir: string; tools: ToolFolder[] };

/** Puts a copy of `from` into the app as `folder`, unless an earlier build has left it there. @returns where that is */
export async function putTool({ buildDir, tools }: Places, folder: string, key: string, from: string): Promise<string> {
  const home = join(buildDir, folder);
  if (isBelow(folder, key)) {
    tools.push({ folder, key, before: undefined });
    return home;
  }
  mkdirSync(dirname(home), { recursive: true });
  await mustRun("cp", ["-a", "--reflink=auto", from, home]);
  tools.push({ folder, key, before: await listFolders(buildDir, [folder]) });
  return home;
}

/** At the end of the build: they may stay for the next one, if no script has changed them. */
export async function declareTools({ buildDir, tools }: Places): Promise<void> {
  for (const { folder, key, before } of tools) {
    const { added, removed, changed } = before ? compareListings(before, await listFolders(buildDir, [folder])) : { added: [], removed: [], changed: [] };
    if (added.length + removed.length + changed.length === 0) declareFolder(folder, key);
  }
}
