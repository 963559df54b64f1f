/** Lines into a file: in batches, never waited for, dropped and counted when the disk does not keep up. */

import { type WriteStream, createWriteStream } from "node:fs";
import type { AccessLog } from "./access-log.ts";

const FLUSH_MS = 100;
const MAX_WAITING = 1024 * 1024;

export type LogFile = AccessLog & { close(): Promise<void> };

/** Appends to `path`, made with mode 0600. A line `at=warn dropped=n` says how many lines are missing before it. */
export function openLogFile(path: string): LogFile {
  const file: WriteStream = createWriteStream(path, { flags: "a", mode: 0o600 });
  let waiting = "";
  let dropped = 0;
  file.on("error", () => {});
  const flush = (): void => {
    if (waiting === "" && dropped === 0) return;
    if (dropped > 0) waiting += `at=warn dropped=${dropped}\n`;
    file.write(waiting, "latin1");
    waiting = "";
    dropped = 0;
  };
  const timer = setInterval(() => file.writableLength <= MAX_WAITING && flush(), FLUSH_MS);
  timer.unref();
  return {
    add(line) {
      if (waiting.length > MAX_WAITING) dropped++;
      else waiting += `${line}\n`;
    },
    async close() {
      clearInterval(timer);
      flush();
      await new Promise<void>((resolve) => file.end(() => resolve()));
    },
  };
}
