/** A tar archive on disk, gzipped or not, as a source: read through, never unpacked here. */

import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { PassThrough, Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract, pack, type Pack } from "tar-stream";
import { AppError, invalidParams } from "../errors.ts";
import type { Source } from "../pipeline/source.ts";
import { createEntryReader, type Entry, type EntryLimits } from "./entries.ts";

export type ArchiveLimits = EntryLimits & {
  /** For reading it through once. */
  maxMs: number;
};

/** Source code packs to a third or a tenth. What packs better than this, beyond the first megabytes, was made to fill disks. */
const MAX_RATIO = 200;
const FREE_BYTES = 32 << 20;
const MAX_FILE_KINDS: Record<string, string> = { symlink: "a symbolic link", link: "a hard link", directory: "a folder" };

/**
 * Reads the archive through and refuses what is not a source tree (entries.ts). A single folder that holds everything is left out of all paths.
 * @param version stands as the source's commit
 * @throws AppError invalid_params
 */
export async function openArchive(file: string, version: string, limits: ArchiveLimits, signal: AbortSignal): Promise<Source> {
  const top = new Map<string, Entry>();
  const folder = await walk(file, limits, signal, async (entry) => {
    if (entry.path.split("/").length <= 2) top.set(entry.path, entry);
  });
  const prefix = folder === undefined ? "" : `${folder}/`;
  const strip = (entry: Entry): Entry | undefined =>
    entry.path === folder ? undefined : { ...entry, path: entry.path.slice(prefix.length), target: entry.kind === "link" ? entry.target.slice(prefix.length) : entry.target };

  return {
    commit: version,

    async epoch() {
      const files = [...top.values()].filter(({ path, kind }) => kind === "file" && path.startsWith(prefix) && !path.slice(prefix.length).includes("/"));
      return files.length === 0 ? undefined : Math.floor(Math.max(...files.map(({ mtime }) => mtime.getTime())) / 1000);
    },

    archive(within) {
      const tar = pack();
      const copied = walk(file, limits, within, async (given, body) => {
        const entry = strip(given);
        if (entry) await add(tar, entry, body);
      });
      copied.then(() => tar.finalize(), (error: Error) => tar.destroy(error));
      return Readable.from(tar);
    },

    async readFile(path, maxBytes) {
      const entry = top.get(prefix + path);
      if (!entry) return undefined;
      if (entry.kind !== "file") throw invalidParams(`${path}: must be a regular file, not ${MAX_FILE_KINDS[entry.kind]}.`);
      if (entry.size > maxBytes) throw invalidParams(`${path}: must not be larger than ${maxBytes} bytes.`);
      return contentOf(file, entry.path, limits, signal);
    },
  };
}

async function contentOf(file: string, path: string, limits: ArchiveLimits, signal: AbortSignal): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  const found = new AbortController();
  const visit = async (entry: Entry, body: Readable): Promise<void> => {
    if (entry.path !== path) return;
    for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
    found.abort();
  };
  await walk(file, limits, AbortSignal.any([signal, found.signal]), visit).catch((error: unknown) => {
    if (!found.signal.aborted) throw error;
  });
  return Buffer.concat(chunks);
}

/** Adds an entry with nothing of its header but what a source has: no owner, no setuid bit. */
async function add(tar: Pack, { path, kind, target, executable, size, mtime }: Entry, body: Readable): Promise<void> {
  const mode = kind === "directory" || executable ? 0o755 : 0o644;
  if (kind === "file") await pipeline(body, tar.entry({ name: path, mode, size, mtime }));
  else tar.entry({ name: path, type: kind, mode, mtime, ...(target === "" ? {} : { linkname: target }) });
}

/** Shows every entry in its order; a body that is not read is passed over. @returns the folder that holds everything. @throws AppError */
async function walk(file: string, limits: ArchiveLimits, signal: AbortSignal, visit: (entry: Entry, body: Readable) => Promise<void>): Promise<string | undefined> {
  const reader = createEntryReader(limits);
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(invalidParams(`The archive could not be read within ${limits.maxMs / 1000} seconds.`)), limits.maxMs);
  const either = AbortSignal.any([signal, stop.signal]);
  try {
    const entries = extract();
    const fed = feed(file, limits.maxBytes, entries, either);
    // It is asked for below, after what the entries themselves say.
    fed.catch((error: Error) => entries.destroy(error));
    for await (const body of entries) {
      const entry = reader.read(body.header);
      if (entry) await visit(entry, body as unknown as Readable);
      body.resume();
    }
    await fed;
    return reader.folder();
  } catch (error) {
    if (either.aborted) throw either.reason;
    throw error instanceof AppError ? error : new AppError("invalid_params", "The archive is damaged: it is not a whole tar, plain or gzipped.", { cause: error });
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

async function feed(file: string, maxBytes: number, into: NodeJS.WritableStream, signal: AbortSignal): Promise<void> {
  const gzipped = await isGzip(file);
  let unpacked = 0;
  const packed = createReadStream(file);
  const guard = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      unpacked += chunk.length;
      // Headers and padding come on top of what files may have.
      if (unpacked > 2 * maxBytes || (unpacked > FREE_BYTES && unpacked > MAX_RATIO * packed.bytesRead)) return done(invalidParams(`The archive unpacks to more than ${unpacked > 2 * maxBytes ? `${Math.floor(maxBytes / (1 << 20))} MB` : `${MAX_RATIO} times its size`}.`));
      done(null, chunk);
    },
  });
  await pipeline(packed, gzipped ? createGunzip() : new PassThrough(), guard, into, { signal });
}

/** @throws AppError invalid_params for the packings that are not taken, by their first octets */
async function isGzip(file: string): Promise<boolean> {
  const handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0).finally(() => handle.close());
  const magic = buffer.toString("latin1", 0, bytesRead);
  if (/^(PK|BZh|\xfd7zX|\x28\xb5\x2f\xfd)/.test(magic)) throw invalidParams("The archive must be a tar, plain or gzipped: zip, bzip2, xz and zstd are not taken.");
  return magic.startsWith("\x1f\x8b");
}
