/** What an archive holds, entry by entry: what a source tree can be, and nothing that leads out of it. Nothing is unpacked here. */

import type { Header } from "tar-stream";
import { shown } from "../domain/shown.ts";
import { invalidParams, type AppError } from "../errors.ts";

export type Entry = {
  /** Below the tree's root, such as `src/server.js`; no `.`, no `..`, no slash at either end. */
  path: string;
  kind: "file" | "directory" | "symlink" | "link";
  /** Of a symlink as it stands; of a hard link a path like the entry's own. */
  target: string;
  executable: boolean;
  size: number;
  mtime: Date;
};

export type EntryLimits = { maxEntries: number; maxBytes: number };

const KINDS: Record<string, Entry["kind"]> = { "file": "file", "contiguous-file": "file", "directory": "directory", "symlink": "symlink", "link": "link" };
const NAMES: Record<string, string> = { "character-device": "a device", "block-device": "a device", "fifo": "a FIFO" };
/** Linux's PATH_MAX and NAME_MAX. */
const MAX_PATH = 4095;
const MAX_NAME = 255;
/** All paths together: they are remembered while the archive is read. */
const MAX_PATHS = 32 << 20;

export type EntryReader = {
  /** Entries in their order; undefined for the root itself. @throws AppError invalid_params for what no source has */
  read(header: Header): Entry | undefined;
  /** The one folder that everything lies in, as in GitHub's archives; undefined where the tree begins at the top. After the last entry. */
  folder(): string | undefined;
};

/** Remembers what it has read: an entry is judged by those before it, as it would be unpacked over them. */
export function createEntryReader({ maxEntries, maxBytes }: EntryLimits): EntryReader {
  const kinds = new Map<string, Entry["kind"]>();
  const links: { path: string; resolved: string[] }[] = [];
  let [entries, bytes, letters] = [0, 0, 0];

  function count(path: string, size: number): void {
    [entries, bytes, letters] = [entries + 1, bytes + size, letters + path.length];
    if (entries > maxEntries || letters > MAX_PATHS) throw invalidParams(`The archive has more than ${entries > maxEntries ? `${maxEntries} entries` : "32 MB of names"}.`);
    if (bytes > maxBytes) throw invalidParams(`The archive is larger than ${Math.floor(maxBytes / (1 << 20))} MB when unpacked.`);
  }

  function place(path: string, kind: Entry["kind"]): void {
    for (let at = path.indexOf("/"); at > 0; at = path.indexOf("/", at + 1)) {
      const above = path.slice(0, at);
      const known = kinds.get(above);
      if (known !== undefined && known !== "directory") throw refused(path, `lies in ${known === "symlink" ? "a symbolic link" : "a file"}`);
      kinds.set(above, "directory");
    }
    const before = kinds.get(path);
    if (before !== undefined && (before !== "directory" || kind !== "directory")) throw refused(path, "is there twice");
    kinds.set(path, kind);
  }

  function targetOf(path: string, kind: Entry["kind"], given: string): string {
    if (kind === "link") {
      const target = segments(given).join("/");
      if (kinds.get(target) !== "file") throw refused(path, "is a hard link to what is no file before it in the archive");
      return target;
    }
    links.push({ path, resolved: follow(path, given) });
    return given;
  }

  return {
    read(header) {
      const kind = KINDS[header.type ?? ""];
      if (!kind) throw refused(header.name, `is ${NAMES[header.type ?? ""] ?? "of a kind that no source has"}: only files, folders and links are taken`);
      const path = segments(header.name).join("/");
      const size = kind === "file" ? header.size ?? 0 : 0;
      count(path, size);
      if (path === "") return undefined;
      const target = kind === "symlink" || kind === "link" ? targetOf(path, kind, header.linkname ?? "") : "";
      place(path, kind);
      return { path, kind, target, executable: ((header.mode ?? 0) & 0o100) !== 0, size, mtime: dated(header.mtime) };
    },

    folder() {
      const tops = new Set([...kinds.keys()].map((path) => path.split("/", 1)[0] ?? ""));
      const [folder] = tops;
      if (folder === undefined || tops.size > 1 || kinds.get(folder) !== "directory" || kinds.size === 1) return undefined;
      for (const { path, resolved } of links) if (resolved[0] !== folder) throw outside(path);
      return folder;
    },
  };
}

/** @throws AppError invalid_params for a path that is none of a tree, or that no file system of a dyno can have */
function segments(name: string): string[] {
  if (name.startsWith("/")) throw refused(name, "has an absolute path");
  // Octets that are not UTF-8 arrive as U+FFFD.
  if (/[\p{Cc}\u{fffd}\\]/u.test(name)) throw refused(name, "has a name with control characters, with a backslash or not in UTF-8");
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw refused(name, "has .. in its path");
  if (Buffer.byteLength(name) > MAX_PATH || parts.some((part) => Buffer.byteLength(part) > MAX_NAME)) throw refused(name, "has a name that is too long");
  return parts;
}

/** Where a symbolic link leads, by the text alone. */
function follow(path: string, target: string): string[] {
  if (target === "" || target.includes("\0") || Buffer.byteLength(target) > MAX_PATH) throw refused(path, "is a symbolic link to nowhere");
  if (target.startsWith("/")) throw outside(path);
  const at = path.split("/").slice(0, -1);
  for (const part of target.split("/")) {
    if (part === "..") {
      if (at.pop() === undefined) throw outside(path);
    } else if (part !== "" && part !== ".") at.push(part);
  }
  return at;
}

function outside(path: string): AppError {
  return refused(path, "is a symbolic link that leads out of the archive");
}

function refused(name: string, why: string): AppError {
  return invalidParams(`The archive is not taken: ${shown(name)} ${why}.`);
}

/** A date that a tar can hold. */
function dated(given: Date | undefined): Date {
  const time = given?.getTime() ?? 0;
  return new Date(time >= 0 && time < 0o77777777777 * 1000 ? time : 0);
}
