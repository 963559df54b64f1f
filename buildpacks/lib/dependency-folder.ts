/** Installed dependencies in one folder of the app, under a key of everything that decides what is in it: in the layer below, in the cache, or to be installed. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { compareListings, listFolders, type Listing } from "./folder-listing.ts";
import { declareFolder, isBelow } from "./folders-below.ts";
import { keep, restoreKept } from "./kept-paths.ts";
import { info } from "./output.ts";

/** `forTests`: what tests need beside is kept apart, so that neither build takes the other's place in the cache. */
type Places = { buildDir: string; cacheDir: string; forTests?: boolean };

export type DependencyFolder = { folder: string; key: string; before: Listing | undefined };

/**
 * Has the folder hold what the key stands for; `install` makes it where neither the layer below nor the cache has it.
 * @param source what decides it, as people call it: a lock file
 */
export async function fillFolder(places: Places, folder: string, key: string, source: string, install: () => Promise<void>): Promise<DependencyFolder> {
  if (isBelow(folder, key)) {
    info(`${source} is unchanged: using the dependencies of the last build`);
    return { folder, key, before: undefined };
  }
  const name = `${folder.replaceAll("/", "-")}${places.forTests ? "-for-tests" : ""}`;
  if (await restoreKept(places, name, key)) info(`${source} is unchanged: using the dependencies of the last build`);
  else {
    await install();
    await keep(places, name, key, { paths: existsSync(join(places.buildDir, folder)) ? [folder] : [] });
  }
  return { folder, key, before: existsSync(join(places.buildDir, folder)) ? await listFolders(places.buildDir, [folder]) : new Map() };
}

/**
 * At the end of the build: it may stay for the next one, if no script has changed it.
 * @param writtenAnew paths in the folder that every build makes anew, whatever it finds: they may differ
 */
export async function declareDependencies({ buildDir }: Places, { folder, key, before }: DependencyFolder, writtenAnew?: RegExp): Promise<void> {
  if (!existsSync(join(buildDir, folder))) return;
  const { added, removed, changed } = before ? compareListings(before, await listFolders(buildDir, [folder])) : { added: [], removed: [], changed: [] };
  if ([...added, ...removed, ...changed].every((path) => writtenAnew?.test(path.slice(folder.length + 1)))) declareFolder(folder, key);
}
