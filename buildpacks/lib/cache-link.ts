/** A folder of the cache under a path of the app: tools that know what they have made by where it lies find it there in every build. */

import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname } from "node:path";

/** Makes `path` a link to `inCache`, which is made where it is missing; whatever was at `path` goes. */
export function linkIntoCache(path: string, inCache: string): void {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(dirname(path), { recursive: true });
  mkdirSync(inCache, { recursive: true });
  symlinkSync(inCache, path);
}
