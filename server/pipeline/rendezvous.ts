/**
 * The meeting of a client with its one-off dyno, as Heroku's clients speak it: over TLS the client writes the secret and
 * CR LF; what comes back first is thrown away and means that the dyno is there; from then on octets pass both ways.
 */

import type { Duplex } from "node:stream";
import type { OneOffs } from "./one-offs.ts";

/** What a client's first line looks like when it comes for a dyno. */
export const SECRET_LINE = /^([0-9a-f]{64})\r?\n/;

/** End of transmission: what a client without a terminal sends when its input has ended. */
const EOT = 0x04;

/** Serves one client. @param first what has come already, the secret's line and perhaps more. */
export async function meet(oneOffs: Pick<OneOffs, "fetch">, socket: Duplex, first: Buffer): Promise<void> {
  socket.on("error", () => undefined);
  const match = SECRET_LINE.exec(first.toString("latin1"));
  const begin = match?.[1] === undefined ? undefined : oneOffs.fetch(match[1]);
  if (!begin || !match) return void socket.end("This dyno is not waiting for you: ask for a new one.\r\n");
  socket.write("rendezvous\r\n");
  // What comes before the program runs waits in the socket.
  socket.pause();
  try {
    const program = await begin();
    // The client may have left while the dyno was starting.
    if (socket.destroyed) return await program.kill();
    const give = (octets: Buffer): void => {
      const ended = octets.at(-1) === EOT && !program.terminal;
      const input = ended ? octets.subarray(0, -1) : octets;
      if (input.length > 0 && !program.input.write(input)) socket.pause();
      if (ended) program.input.end();
    };
    program.input.on("drain", () => socket.resume());
    const rest = first.subarray(match[0].length);
    if (rest.length > 0) give(rest);
    socket.on("data", give);
    socket.on("end", () => program.input.end());
    // Whoever started it is gone: so is its purpose.
    socket.on("close", () => void program.kill());
    socket.resume();
    program.output.pipe(socket);
    await program.exit;
  } catch {
    socket.end("The dyno could not be started. The platform's log says why.\r\n");
  }
}
