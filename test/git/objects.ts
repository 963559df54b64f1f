/** Git objects that no git client would make. */

import { createHash } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { deflateSync } from "node:zlib";
import type { Workspace } from "../support/git-client.ts";

export type Entry = { mode: string; name: string; sha: string };

/** Writes an object without any check. @returns its id */
export async function writeObject(client: Workspace, type: "blob" | "tree" | "commit", content: Buffer | string): Promise<string> {
  const file = `${client.dir}/.git/object-to-write`;
  await writeFile(file, content);
  const sha = await client.must("hash-object", "-t", type, "-w", "--literally", "--no-filters", file);
  await rm(file);
  return sha;
}

export function tree(entries: Entry[]): Buffer {
  return Buffer.concat(entries.flatMap(({ mode, name, sha }) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(sha, "hex")]));
}

/** A commit of exactly these entries. @returns its id */
export async function commitOf(client: Workspace, entries: Entry[]): Promise<string> {
  const root = await writeObject(client, "tree", tree(entries));
  return writeObject(client, "commit", `tree ${root}\nauthor A <a@example.com> 1 +0000\ncommitter A <a@example.com> 1 +0000\n\nodd\n`);
}

export type PackEntry = { type: 1 | 2 | 3; content: Buffer } | { base: string; content: Buffer };

/** A pack (gitformat-pack(5)) as written, right or wrong. */
export function pack(entries: PackEntry[]): Buffer {
  const header = Buffer.alloc(12);
  header.write("PACK");
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(entries.length, 8);
  const body = Buffer.concat([header, ...entries.map((entry) => Buffer.concat([entryHead(entry), deflateSync(entry.content)]))]);
  return Buffer.concat([body, createHash("sha1").update(body).digest()]);
}

function entryHead(entry: PackEntry): Buffer {
  const type = "type" in entry ? entry.type : 7;
  const bytes: number[] = [];
  let size = entry.content.length;
  let byte = (type << 4) | (size & 15);
  for (size >>= 4; size > 0; size >>= 7) {
    bytes.push(byte | 128);
    byte = size & 127;
  }
  bytes.push(byte);
  return Buffer.concat([Buffer.from(bytes), "base" in entry ? Buffer.from(entry.base, "hex") : Buffer.alloc(0)]);
}
