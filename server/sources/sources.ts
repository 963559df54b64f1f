/** Archives that people send or point at, kept in the data folder until they are built: short-lived, and reachable by whoever knows their secret alone. */

import { createHash, randomBytes } from "node:crypto";
import { createReadStream, createWriteStream, mkdirSync, rmSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { SourceBlob } from "../domain/model.ts";
import { AppError, invalidParams, notFound } from "../errors.ts";
import { parseFetchUrl, type Fetcher } from "../outbound/fetch.ts";
import type { ArchiveBuild } from "../pipeline/builds.ts";
import { topic } from "../pipeline/output.ts";
import { openArchive, type ArchiveLimits } from "./archive.ts";

/** What a build is asked to be made from. */
export type Wanted = { url: string; checksum?: string | null | undefined; version?: string | null | undefined; version_description?: string | null | undefined };

export type SourceOrder = Pick<ArchiveBuild, "version" | "sourceBlob" | "open" | "ended"> & {
  /** No build came of it: the archive stays as long as it would have. */
  refused(): void;
};

export type Sources = {
  /** Makes room for one archive: two secrets, to send it and to read it. @throws AppError rate_limit: the person has too many open ones */
  create(userId: string): { put: string; get: string };
  /** Takes the archive, once. What was not received whole is as if it had not come. @throws AppError not_found, conflict, invalid_params, disk_full */
  receive(put: string, body: Readable): Promise<void>;
  /** @throws AppError not_found */
  read(get: string): { body: Readable; bytes: number };
  /**
   * What the pipeline needs to build it.
   * @param get the secret, where the URL is one of ours
   * @throws AppError invalid_params: nothing was sent there, or something else than the checksum says
   */
  order(wanted: Wanted, get: string | undefined): SourceOrder;
  close(): void;
};

export type SourcesOptions = {
  /** Emptied at the start: no secret outlives the process. */
  dir: string;
  fetcher: Fetcher;
  /** @throws AppError disk_full */
  assertSpace(): Promise<void>;
  limits?: ArchiveLimits;
  /** As it was sent. */
  maxArchiveBytes?: number;
  /** For sending it and building it. */
  keepMs?: number;
  maxOpen?: number;
};

type Archive = { bytes: number; sha256: string };
type Blob = { userId: string; file: string; put: string; get: string; state: "empty" | "receiving" | Archive; users: number; expired: boolean; timer: NodeJS.Timeout };

const LIMITS: ArchiveLimits = { maxEntries: 100_000, maxBytes: 1 << 30, maxMs: 5 * 60_000 };
/** Free space is looked at again after so much was received. */
const LOOK_BYTES = 32 << 20;
const STALL_MS = 60_000;

export function createSources({ dir, fetcher, assertSpace, limits = LIMITS, maxArchiveBytes = 1 << 30, keepMs = 3_600_000, maxOpen = 20 }: SourcesOptions): Sources {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const byPut = new Map<string, Blob>();
  const byGet = new Map<string, Blob>();
  const secret = (): string => randomBytes(32).toString("base64url");
  const find = (key: "put" | "get", given: string): Blob => {
    const blob = (key === "put" ? byPut : byGet).get(given);
    if (!blob || blob.expired) throw notFound("source", "There is no such source (any more): a source is kept for an hour, or until it was built.");
    return blob;
  };

  function expire(blob: Blob): void {
    blob.expired = true;
    if (blob.users > 0) return;
    clearTimeout(blob.timer);
    byPut.delete(blob.put);
    byGet.delete(blob.get);
    rmSync(blob.file, { force: true });
  }

  function use(blob: Blob): () => void {
    blob.users += 1;
    return () => {
      blob.users -= 1;
      if (blob.expired) expire(blob);
    };
  }

  /** Writes a stream to a file, whole or not at all. @throws AppError */
  async function store(body: Readable, file: string, signal?: AbortSignal): Promise<Archive> {
    const hash = createHash("sha256");
    let [bytes, looked] = [0, 0];
    const meter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        hash.update(chunk);
        stalled.refresh();
        if (bytes > maxArchiveBytes) return done(invalidParams(`The archive is larger than ${Math.floor(maxArchiveBytes / (1 << 20))} MB.`));
        if (bytes - looked < LOOK_BYTES) return done(null, chunk);
        looked = bytes;
        assertSpace().then(() => done(null, chunk), done);
      },
    });
    const stalled = setTimeout(() => meter.destroy(invalidParams(`Nothing came for ${STALL_MS / 1000} seconds: the archive was given up.`)), STALL_MS);
    const part = `${file}.part`;
    try {
      await assertSpace();
      await pipeline(body, meter, createWriteStream(part, { mode: 0o600 }), ...(signal ? [{ signal }] : []));
      await rename(part, file);
    } catch (error) {
      await rm(part, { force: true });
      // Whoever sent it is gone, most likely.
      throw error instanceof AppError || signal?.aborted || isOfDisk(error) ? error : new AppError("bad_request", "The archive was cut off.", { cause: error });
    } finally {
      clearTimeout(stalled);
    }
    return { bytes, sha256: hash.digest("hex") };
  }

  function ofOurs(wanted: Wanted, get: string): SourceOrder {
    const blob = find("get", get);
    if (typeof blob.state === "string") throw invalidParams("source_blob.url: nothing was sent there yet: PUT the archive to the source's put_url first.");
    const { sha256 } = blob.state;
    assertChecksum(wanted, sha256);
    const version = wanted.version ?? sha256;
    const release = use(blob);
    return {
      ...described(wanted, version, wanted.url),
      refused: release,
      open: (_output, signal) => openArchive(blob.file, version, limits, signal),
      async ended() {
        blob.expired = true;
        release();
      },
    };
  }

  function ofOthers(wanted: Wanted): SourceOrder {
    const url = parseUrl(wanted.url);
    const file = join(dir, secret());
    return {
      ...described(wanted, wanted.version ?? "", `${url.origin}${url.pathname}`),
      refused: () => undefined,
      async open(output, signal) {
        topic(output, `Fetching source from ${url.host}`);
        const { sha256 } = await store(await fetcher.get(wanted.url, { maxBytes: maxArchiveBytes, signal }), file, signal);
        assertChecksum(wanted, sha256);
        return openArchive(file, wanted.version ?? sha256, limits, signal);
      },
      ended: () => rm(file, { force: true }),
    };
  }

  return {
    create(userId) {
      if ([...byPut.values()].filter((one) => one.userId === userId).length >= maxOpen)
        throw new AppError("rate_limit", `You have ${maxOpen} sources open. Build them, or wait until the oldest has expired.`, { retryAfter: Math.ceil(keepMs / 1000) });
      const blob: Blob = { userId, file: join(dir, secret()), put: secret(), get: secret(), state: "empty", users: 0, expired: false, timer: setTimeout(() => expire(blob), keepMs).unref() };
      byPut.set(blob.put, blob);
      byGet.set(blob.get, blob);
      return { put: blob.put, get: blob.get };
    },

    async receive(put, body) {
      const blob = find("put", put);
      if (blob.state !== "empty") throw new AppError("conflict", "This source has its archive already. Make another one by POST /sources.");
      blob.state = "receiving";
      const release = use(blob);
      try {
        const archive = await store(body, blob.file);
        if (archive.bytes === 0) throw invalidParams("The body is empty: send the archive as it is, with no encoding around it.");
        blob.state = archive;
      } catch (error) {
        blob.state = "empty";
        throw error;
      } finally {
        release();
      }
    },

    read(get) {
      const blob = find("get", get);
      if (typeof blob.state === "string") throw notFound("source", "Nothing was sent to this source yet.");
      const release = use(blob);
      return { body: createReadStream(blob.file).on("close", release), bytes: blob.state.bytes };
    },

    order: (wanted, get) => (get === undefined ? ofOthers(wanted) : ofOurs(wanted, get)),

    close() {
      for (const { timer } of byPut.values()) clearTimeout(timer);
    },
  };
}

function isOfDisk(error: unknown): boolean {
  return error instanceof Error && "code" in error && ["ENOSPC", "EDQUOT", "EIO", "EROFS", "EMFILE", "EACCES", "ENOENT"].includes(String(error.code));
}

/** @throws AppError invalid_params */
function parseUrl(given: string): URL {
  try {
    return parseFetchUrl(given);
  } catch (error) {
    throw error instanceof AppError ? invalidParams(`source_blob.url: ${error.message}`) : error;
  }
}

/** @throws AppError invalid_params */
function assertChecksum({ checksum }: Wanted, sha256: string): void {
  const [, expected] = /^sha256:(.+)$/i.exec(checksum ?? "") ?? [];
  if (expected !== undefined && expected.toLowerCase() !== sha256) throw invalidParams(`source_blob.checksum: the archive's is SHA256:${sha256}.`);
}

function described({ checksum, version_description }: Wanted, version: string, url: string): { version: string; sourceBlob: SourceBlob } {
  return { version, sourceBlob: { url, checksum: checksum ?? null, versionDescription: version_description ?? null } };
}
