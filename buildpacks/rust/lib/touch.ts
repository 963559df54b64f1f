/** The age of source files, by which Cargo tells what has changed. */

import { readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";

/** In every crate that `cargo vendor` has written. */
const VENDORED = ".cargo-checksum.json";
const NOT_SOURCE = new Set(["node_modules", ".git"]);

/**
 * Makes every file of the app new. Cargo takes one that is older than its last build for unchanged, and in a push a file is as old as its commit.
 * Vendored crates are told by their checksum, as those of a registry; made new, their build scripts would run again.
 * @param now in whole seconds where what is compiled becomes an image: that forgets the rest, which Cargo compares
 */
export function touchSources(folder: string, now = new Date()): void {
  const entries = readdirSync(folder, { withFileTypes: true });
  if (entries.some(({ name }) => name === VENDORED)) return;
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isFile()) utimesSync(path, now, now);
    else if (entry.isDirectory() && !NOT_SOURCE.has(entry.name)) touchSources(path, now);
  }
}
