/** Cargo.lock: which versions of which crates. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { warn } from "../../lib/output.ts";

export type Crate = { name: string; version: string };
export type GitCrate = { url: string; commit: string };

/** @returns whether there is none */
export function warnWithoutLock(buildDir: string): boolean {
  if (hasLock(buildDir)) return false;
  warn("No Cargo.lock: every build may use other versions than you have tested.", "Remove it from .gitignore, commit it and push again.");
  return true;
}

/** Has Cargo keep to the lock file, where there is one. */
export function withLocked(buildDir: string, args: string[]): string[] {
  return !hasLock(buildDir) || args.includes("--locked") ? args : [...args, "--locked"];
}

export function lockedCrates(lock: string): Crate[] {
  return [...lock.matchAll(/^name = "([^"]+)"\nversion = "([^"]+)"/gm)].map(([, name = "", version = ""]) => ({ name, version }));
}

/** Each commit of a git repository once, however many crates are in it. */
export function gitCrates(lock: string): GitCrate[] {
  const sources = new Set([...lock.matchAll(/^source = "git\+([^"#]+)#([0-9a-f]{40})"/gm)].map(([, url = "", commit = ""]) => `${url.replace(/\?.*/, "")}#${commit}`));
  return [...sources].map((source) => ({ url: source.slice(0, source.lastIndexOf("#")), commit: source.slice(source.lastIndexOf("#") + 1) }));
}

const hasLock = (buildDir: string): boolean => existsSync(join(buildDir, "Cargo.lock"));
