/** Where the lines of all workers come together: the file, and whoever follows them over the control socket. */

import type { Writable } from "node:stream";
import { LineBatch } from "./line-batch.ts";
import type { LogFile } from "./log-file.ts";

export class LogHub {
  readonly #file: LogFile | null;
  readonly #followers = new Set<LineBatch>();

  constructor(file: LogFile | null) {
    this.#file = file;
  }

  /** Takes what a worker writes, in any pieces. */
  read(pipe: NodeJS.ReadableStream): void {
    let rest = "";
    pipe.on("data", (piece: Buffer) => {
      const text = rest + piece.toString("latin1");
      const end = text.lastIndexOf("\n") + 1;
      rest = text.slice(end);
      if (end > 0) this.#spread(text.slice(0, end));
    });
  }

  /** Sends every line from now on, until `to` is closed. What it does not take in time is dropped and counted. */
  follow(to: Writable): void {
    const batch = new LineBatch((text) => void to.write(text, "latin1"), () => to.writableLength);
    this.#followers.add(batch);
    to.once("close", () => {
      this.#followers.delete(batch);
      batch.close();
    });
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  #spread(lines: string): void {
    this.#file?.addLines(lines);
    for (const follower of this.#followers) follower.addLines(lines);
  }
}
