/** What Cargo has downloaded into its home folder (https://doc.rust-lang.org/cargo/guide/cargo-home.html). */

import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { mustRun } from "../../lib/command.ts";
import { lockedCrates } from "./cargo-lock.ts";

/** Copies of it what a build with that lock file asks for, so that it downloads nothing. */
export async function copyDownloads(home: string, lock: string, to: string): Promise<void> {
  const paths = [...registryPaths(home, lock), ...(/^source = "git\+/m.test(lock) ? pathsIn(home, "git") : [])];
  if (paths.length > 0) await mustRun("cp", ["-a", "--parents", "--", ...paths, to], home);
}

/** Of each registry: what its index says of the crates, and their archives. Cargo unpacks them again sooner than their files could be copied. */
function registryPaths(home: string, lock: string): string[] {
  const crates = lockedCrates(lock);
  const names = new Set(crates.map(({ name }) => name.toLowerCase()));
  const versions = new Set(crates.map(({ name, version }) => `${name}-${version}`));
  const indexes = pathsIn(home, "registry/index").flatMap((index) => {
    // One that is a git repository has no part for a crate.
    if (existsSync(join(home, index, ".git"))) return [index];
    const cached = existsSync(join(home, index, ".cache")) ? readdirSync(join(home, index, ".cache"), { recursive: true, encoding: "utf8" }) : [];
    return [join(index, "config.json"), ...cached.filter((path) => names.has(basename(path))).map((path) => join(index, ".cache", path))].filter((path) => existsSync(join(home, path)));
  });
  const archives = pathsIn(home, "registry/cache").flatMap((registry) => pathsIn(home, registry));
  return [...indexes, ...archives.filter((path) => versions.has(basename(path, ".crate")))];
}

function pathsIn(home: string, folder: string): string[] {
  return existsSync(join(home, folder)) ? readdirSync(join(home, folder), { withFileTypes: true }).filter(({ name }) => name !== "CACHEDIR.TAG").map(({ name }) => join(folder, name)) : [];
}
