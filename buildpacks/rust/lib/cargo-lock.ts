/** Cargo.lock: which versions of which crates. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { warn } from "../../lib/output.ts";

export type Crate = { name: string; version: string };

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

const hasLock = (buildDir: string): boolean => existsSync(join(buildDir, "Cargo.lock"));
