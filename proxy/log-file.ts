/** Lines into a file: in batches, never waited for, dropped and counted when the disk does not keep up, bounded in size. */

import { type WriteStream, createWriteStream, statSync } from "node:fs";
import { rename } from "node:fs/promises";
import type { AccessLog } from "./access-log.ts";

const FLUSH_MS = 100;
const MAX_WAITING = 1024 * 1024;
/** One file of this size is kept as `<path>.1`; what is older goes. */
const MAX_FILE = 64 * 1024 * 1024;

export type LogFile = AccessLog & { close(): Promise<void> };

/** Appends to `path`, made with mode 0600. A line `at=warn dropped=n` says how many lines are missing before it. */
export function openLogFile(path: string, maxFile = MAX_FILE): LogFile {
  let file = open(path);
  let written = sizeOf(path);
  let waiting = "";
  let dropped = 0;
  let turning: Promise<void> | null = null;

  const flush = (): void => {
    if (waiting === "" && dropped === 0) return;
    if (dropped > 0) waiting += `at=warn dropped=${dropped}\n`;
    file.write(waiting, "latin1");
    written += waiting.length;
    waiting = "";
    dropped = 0;
  };
  const turn = async (): Promise<void> => {
    await new Promise<void>((resolve) => file.end(() => resolve()));
    await rename(path, `${path}.1`).catch(() => {});
    file = open(path);
    written = 0;
    turning = null;
  };
  const timer = setInterval(() => {
    if (turning !== null || file.writableLength > MAX_WAITING) return;
    flush();
    if (written >= maxFile) turning = turn();
  }, FLUSH_MS);
  timer.unref();

  return {
    add(line) {
      if (waiting.length > MAX_WAITING) dropped++;
      else waiting += `${line}\n`;
    },
    async close() {
      clearInterval(timer);
      await turning;
      flush();
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
