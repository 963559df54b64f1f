/** A worker's end of the pipe on which its log lines go to the router: in batches, never waited for, dropped and counted when nobody reads. */

import { Socket } from "node:net";
import type { AccessLog } from "./access-log.ts";
import { LineBatch } from "./line-batch.ts";

export function openLogPipe(fd: number): AccessLog & { close(): Promise<void> } {
  const pipe = new Socket({ fd, readable: false, writable: true });
  pipe.on("error", () => {});
  const batch = new LineBatch((text) => void pipe.write(text, "latin1"), () => pipe.writableLength);
  return {
    add: (line) => batch.add(line),
    close: () => {
      batch.close();
      return new Promise((resolve) => pipe.end(resolve));
    },
  };
}
