/** A wire in memory: what is written at one end is read at the other. It stands in for a socket where there is none of its own. */

import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** What the router asks of a client's connection: a socket has it, and so has a wire's end. */
export type Line = Duplex & Pick<Socket, "resetAndDestroy">;

/** Its two ends. A write is done once the other end has taken it; the octets are copied, so that the writer may use its buffer again. */
export function createWire(): [Line, Line] {
  const taken: (() => void)[] = [];
  const end = (me: 0 | 1): Line => {
    const other = (): Line => ends[1 - me]!;
    const line = new Duplex({
      // Nothing is read ahead: what an end has not taken yet still counts as unwritten.
      readableHighWaterMark: 0,
      read() {
        const done = taken[1 - me];
        delete taken[1 - me];
        done?.();
      },
      write(chunk: Buffer, _encoding, done) {
        taken[me] = done;
        other().push(Buffer.from(chunk));
      },
      final(done) {
        other().once("end", done);
        other().push(null);
      },
      // An end that closes takes the other with it; as a connection that breaks, if there was more to come.
      destroy(_error, done) {
        other().destroy();
        done(null);
      },
    });
    return Object.assign(line, { resetAndDestroy: () => line.destroy() as Socket });
  };
  const ends: [Line, Line] = [end(0), end(1)];
  return ends;
}
