/** The pusher's terminal as an Output that never makes the build wait, and never keeps more than a bound. */

import type { Writable } from "node:stream";
import type { Output } from "../pipeline/output.ts";

/**
 * @param maxPendingBytes what may wait for a slow client; the rest is dropped, and said so as soon as there is room.
 */
export function boundedOutput(stream: Writable, maxPendingBytes: number): Output & { finish(): void } {
  let dropped = 0;
  const confess = (): void => {
    if (dropped > 0) stream.write(`\n !     ${dropped} bytes of output were left out: your connection is too slow for them.\n`);
    dropped = 0;
  };
  stream.on("drain", confess);
  return {
    write(text) {
      if (stream.destroyed || text === "") return;
      if (stream.writableLength > maxPendingBytes) dropped += Buffer.byteLength(text);
      else stream.write(text);
    },
    finish: confess,
  };
}
