/** Lines into a file: in batches, never waited for, dropped and counted when the disk does not keep up, bounded in size. */

import { type WriteStream, createWriteStream, statSync } from "node:fs";
import { rename } from "node:fs/promises";
import type { AccessLog } from "./access-log.ts";
import { LineBatch } from "./line-batch.ts";

/** One file of this size is kept as `<path>.1`; what is older goes. */
const MAX_FILE = 64 * 1024 * 1024;

export type LogFile = AccessLog & {
  /** Whole lines, each with its line feed. */
  addLines(text: string): void;
  close(): Promise<void>;
};

/** Appends to `path`, made with mode 0600. A line `at=warn dropped=n` says how many lines are missing before it. */
export function openLogFile(path: string, maxFile = MAX_FILE): LogFile {
  let file = open(path);
  let written = sizeOf(path);
  let turning: Promise<void> | null = null;

  const turn = async (): Promise<void> => {
    await new Promise<void>((resolve) => file.end(() => resolve()));
    await rename(path, `${path}.1`).catch(() => {});
    file = open(path);
    written = 0;
    turning = null;
  };
  const write = (text: string): void => {
    file.write(text, "latin1");
    written += text.length;
    if (written >= maxFile) turning = turn();
  };
  const batch = new LineBatch(write, () => (turning === null ? file.writableLength : Infinity));

  return {
    add: (line) => batch.add(line),
    addLines: (text) => batch.addLines(text),
    async close() {
      await turning;
      batch.close();
      await turning;
      await new Promise<void>((resolve) => file.end(() => resolve()));
    },
  };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function open(path: string): WriteStream {
  // A log that cannot be written must not stop the router.
  return createWriteStream(path, { flags: "a", mode: 0o600 }).on("error", () => {});
}
