/** Paths of a built app that are kept between its builds, under a key of everything that decides what is in them. */

import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UNFINISHED } from "./build-cache.ts";
import { mustRun } from "./command.ts";

/** One file is read and written twice as fast as the thousands in it. */
const ARCHIVE = "tree.tar";
/** For tar: which paths, with a NUL between two, comes on standard input. */
export const NAMED_ON_INPUT = ["--null", "--verbatim-files-from", "--files-from=-"];

export type KeptPaths = {
  /** Relative to the app's folder. */
  paths: string[];
};

/** @param cacheDir the buildpack's own part of CACHE_DIR */
type Places = { buildDir: string; cacheDir: string };

/** Unpacks into the app's folder what `name` holds under this key. @returns what it is, or undefined when there is none. */
export async function restoreKept<Kept extends KeptPaths>({ buildDir, cacheDir }: Places, name: string, key: string): Promise<Kept | undefined> {
  const folder = join(cacheDir, name);
  const kept = readKept<Kept>(folder, key);
  if (!kept) return undefined;
  for (const path of kept.paths) rmSync(join(buildDir, path), { recursive: true, force: true });
  if (kept.paths.length > 0) await mustRun("tar", ["-xf", join(folder, ARCHIVE), "-C", buildDir]);
  return kept;
}

/** Unpacks these files and folders alone of what `name` holds under this key. @returns what it is, or undefined when there is none. */
export async function restoreSomeKept<Kept extends KeptPaths>({ buildDir, cacheDir }: Places, name: string, key: string, paths: string[]): Promise<Kept | undefined> {
  const folder = join(cacheDir, name);
  const kept = readKept<Kept>(folder, key);
  const members = paths.map((path) => `./${path}`).join("\0");
  if (kept && members !== "") await mustRun("tar", ["-xf", join(folder, ARCHIVE), "-C", buildDir, ...NAMED_ON_INPUT], buildDir, members);
  return kept;
}

/** Keeps `kept.paths` under this key, in place of what `name` held before; whole or not at all. */
export async function keep<Kept extends KeptPaths>({ buildDir, cacheDir }: Places, name: string, key: string, kept: Kept): Promise<void> {
  const folder = join(cacheDir, name);
  mkdirSync(cacheDir, { recursive: true });
  const unfinished = mkdtempSync(join(cacheDir, UNFINISHED));
  if (kept.paths.length > 0) await mustRun("tar", ["-cf", join(unfinished, ARCHIVE), "-C", buildDir, ...kept.paths.map((path) => `./${path}`)]);
  writeFileSync(join(unfinished, "kept.json"), JSON.stringify({ key, ...kept }));
  rmSync(folder, { recursive: true, force: true });
  renameSync(unfinished, folder);
}

/** Adds to what is known of what `name` holds, where it still stands under this key. */
export function annotateKept<Kept extends KeptPaths>({ cacheDir }: Places, name: string, key: string, more: Partial<Kept>): void {
  const folder = join(cacheDir, name);
  const kept = readKept<Kept>(folder, key);
  if (kept) writeFileSync(join(folder, "kept.json"), JSON.stringify({ key, ...kept, ...more }));
}

export function forgetKept({ cacheDir }: Places, name: string): void {
  rmSync(join(cacheDir, name), { recursive: true, force: true });
}

function readKept<Kept extends KeptPaths>(folder: string, key: string): Kept | undefined {
  try {
    const { key: found, ...kept } = JSON.parse(readFileSync(join(folder, "kept.json"), "utf8")) as Kept & { key: string };
    return found === key ? (kept as unknown as Kept) : undefined;
  } catch {
    return undefined;
  }
}
