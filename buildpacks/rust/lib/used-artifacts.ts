/** What a build has used of its target folder; the rest is of earlier versions of crates, and of programs that are no more. */

import { existsSync, lstatSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";

/** Cargo has it in the names of all that belongs to one crate compiled in one way: `libitoa-0aa5d131b3625803.rlib`, `build/libc-152514d8d8aec4f8/`. */
const HASH = /-([0-9a-f]{16})(?=[./]|$)/g;
const NAMED_BY_HASH = [".fingerprint", "build", "deps", "examples"];

/** What these messages name, whether Cargo has made it or found it (https://doc.rust-lang.org/cargo/reference/external-tools.html#json-messages). */
export function filesIn(messages: string[]): Set<string> {
  const told = messages.map((line) => JSON.parse(line) as { filenames?: string[]; out_dir?: string });
  return new Set(told.flatMap(({ filenames = [], out_dir = [] }) => filenames.concat(out_dir)));
}

/** Removes from the target folder what belongs to none of the files in it that were used. */
export function removeUnused(target: string, used: Set<string>): void {
  const profiles = profilesIn(target);
  const hashes = usedHashes(profiles, used);
  const keeps = (path: string): boolean => hashes.has(hashesIn(path).at(-1) ?? "") || used.has(path);
  for (const profile of profiles) {
    // A program lies there under its own name, linked to the one with the hash.
    const entries = [...filesOf(profile).filter((path) => !basename(path).startsWith(".")), ...NAMED_BY_HASH.flatMap((name) => entriesOf(join(profile, name)))];
    for (const path of entries) if (!keeps(path)) rmSync(path, { recursive: true, force: true });
  }
}

/** `debug`, or `x86_64-unknown-linux-gnu/debug` where a target is named. */
function profilesIn(target: string): string[] {
  const isProfile = (folder: string): boolean => existsSync(join(folder, ".fingerprint"));
  return entriesOf(target).flatMap((folder) => (isProfile(folder) ? [folder] : entriesOf(folder).filter(isProfile)));
}

function usedHashes(profiles: string[], used: Set<string>): Set<string> {
  const inodes = new Set([...used].map(inode));
  const linked = profiles.flatMap((profile) => ["deps", "examples"].flatMap((name) => filesOf(join(profile, name)))).filter((path) => inodes.has(inode(path)));
  return new Set([...used, ...linked].flatMap(hashesIn));
}

const hashesIn = (path: string): string[] => [...path.matchAll(HASH)].map(([, hash = ""]) => hash);
const inode = (path: string): number | undefined => lstatSync(path, { throwIfNoEntry: false })?.ino;
const filesOf = (folder: string): string[] => entriesOf(folder).filter((path) => lstatSync(path).isFile());

function entriesOf(folder: string): string[] {
  return lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder).map((name) => join(folder, name)) : [];
}
