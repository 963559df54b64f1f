/** What each build printed: live while it runs, on disk afterwards. */

import { createReadStream, existsSync, mkdirSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import type { Output } from "./output.ts";

const MAX_BYTES = 4 * 1024 * 1024;
const CUT = "\n !     This log is full (4 MiB): the rest is left out.\n";

export type BuildLogs = {
  /** Starts a build's log. */
  open(buildId: string): Output & { close(): Promise<void> };
  /** All that was printed so far, then what comes, ending when the build does. */
  read(buildId: string): Readable;
  remove(buildIds: string[]): Promise<void>;
};

/** @param dir where finished logs are kept, one file a build. */
export function createBuildLogs(dir: string): BuildLogs {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const running = new Map<string, { text: string; readers: Set<PassThrough> }>();
  const file = (buildId: string): string => join(dir, `${buildId}.log`);
  return {
    open(buildId) {
      const log = { text: "", readers: new Set<PassThrough>() };
      running.set(buildId, log);
      let full = false;
      const add = (text: string): void => {
        log.text += text;
        for (const reader of log.readers) reader.write(text);
      };
      return {
        write(text) {
          if (full) return;
          full = log.text.length + text.length > MAX_BYTES;
          add(full ? CUT : text);
        },
        async close() {
          await writeFile(file(buildId), log.text, { mode: 0o600 }).catch(() => undefined);
          running.delete(buildId);
          for (const reader of log.readers) reader.end();
        },
      };
    },
    read(buildId) {
      const log = running.get(buildId);
      if (!log) return existsSync(file(buildId)) ? createReadStream(file(buildId)) : Readable.from([]);
      const reader = new PassThrough();
      reader.write(log.text);
      log.readers.add(reader);
      reader.on("close", () => log.readers.delete(reader));
      return reader;
    },
    remove: async (buildIds) => void (await Promise.all(buildIds.map((id) => rm(file(id), { force: true })))),
  };
}
