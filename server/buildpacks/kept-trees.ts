/** Trees of other people's buildpacks as tar files, each kept under its commit, the least used ones let go. */

import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat, unlink, utimes, type FileHandle } from "node:fs/promises";
import { join } from "node:path";

export type KeptTrees = {
  /** The file of that key, opened; it stays readable whatever becomes of its name. @param make writes it where it is missing */
  take(key: string, make: (file: string) => Promise<void>): Promise<FileHandle>;
  /** A file of one use, opened: its name is gone already. */
  once(make: (file: string) => Promise<void>): Promise<FileHandle>;
};

const UNFINISHED = ".new";

/** @param maxBytes more than this is not kept, but for the one that was taken last */
export function createKeptTrees(folder: string, maxBytes: number): KeptTrees {
  // What a crash left unfinished.
  const ready = mkdir(folder, { recursive: true, mode: 0o700 }).then(async () => {
    const unfinished = (await readdir(folder)).filter((name) => name.endsWith(UNFINISHED));
    await Promise.all(unfinished.map((name) => rm(join(folder, name), { recursive: true, force: true })));
  });
  const write = async <T>(make: (file: string) => Promise<void>, use: (file: string) => Promise<T>): Promise<T> => {
    await ready;
    const file = join(folder, `${randomUUID()}${UNFINISHED}`);
    try {
      await make(file);
      return await use(file);
    } finally {
      await rm(file, { force: true });
    }
  };

  return {
    async take(key, make) {
      await ready;
      const path = join(folder, `${key}.tar`);
      const kept = await open(path).catch(() => undefined);
      if (kept) {
        await kept.utimes(new Date(), new Date());
        return kept;
      }
      return write(make, async (file) => {
        const handle = await open(file);
        await rename(file, path);
        await prune(folder, maxBytes, path);
        return handle;
      });
    },
    once: (make) => write(make, (file) => open(file)),
  };
}

async function prune(folder: string, maxBytes: number, latest: string): Promise<void> {
  await utimes(latest, new Date(), new Date());
  const names = (await readdir(folder)).filter((name) => name.endsWith(".tar"));
  const files = await Promise.all(names.map(async (name) => ({ path: join(folder, name), ...(await stat(join(folder, name)).then(({ size, mtimeMs }) => ({ size, mtimeMs }), () => ({ size: 0, mtimeMs: 0 }))) })));
  let total = files.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
    if (total <= maxBytes || path === latest) continue;
    await unlink(path).catch(() => undefined);
    total -= size;
  }
}
