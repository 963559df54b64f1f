/** What lies in folders, so that two moments of a build can be compared without reading a file. */

import { mustRun } from "./command.ts";

/** By path: kind, mode and, of all but folders, size, time of change and target. */
export type Listing = Map<string, string>;

/**
 * @param folders relative to `root`, as are the paths of the result
 * @param tests of find(1), for what is to be listed
 */
export async function listFolders(root: string, folders: string[], tests: string[] = []): Promise<Listing> {
  if (folders.length === 0) return new Map();
  const kinds = ["(", "-type", "d", "-printf", "%p\\0%y %m\\0", "-o", "-printf", "%p\\0%y %m %s %T@ %l\\0", ")"];
  const found = (await mustRun("find", [...folders.map((folder) => `./${folder}`), ...tests, ...kinds], root)).split("\0");
  const listing: Listing = new Map();
  for (let i = 0; i + 1 < found.length; i += 2) listing.set((found[i] ?? "").slice(2), found[i + 1] ?? "");
  return listing;
}

/** Paths of `after` that `before` lacks, paths of `before` that `after` lacks, and those that are not the same in both. */
export function compareListings(before: Listing, after: Listing): { added: string[]; removed: string[]; changed: string[] } {
  return {
    added: [...after.keys()].filter((path) => !before.has(path)),
    removed: [...before.keys()].filter((path) => !after.has(path)),
    changed: [...before].filter(([path, what]) => after.has(path) && after.get(path) !== what).map(([path]) => path),
  };
}

/** Without paths inside of another one of them. */
export function topmost(paths: string[]): string[] {
  const all = new Set(paths);
  const isInside = (path: string): boolean => {
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) if (all.has(path.slice(0, end))) return true;
    return false;
  };
  return paths.filter((path) => !isInside(path));
}
