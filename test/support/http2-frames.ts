/** HTTP/2 frame by frame (RFC 9113 4.1): what no well-behaved client can be made to send. */

import { once } from "node:events";
import tls from "node:tls";

export const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, continuation: 9 };
export const FLAG = { endStream: 1, endHeaders: 4 };

export type Frame = { type: number; flags: number; stream: number; payload: Buffer };

export type FrameClient = {
  send(type: number, flags: number, stream: number, payload?: Buffer): void;
  /** Resolves with the first frame that came, or comes, of which this is true; null when the connection closes without. */
  frame(is: (frame: Frame) => boolean): Promise<Frame | null>;
  close(): void;
};

/** A connection on which the preface and empty settings are exchanged. */
export async function frameClient(port: number): Promise<FrameClient> {
  const socket = tls.connect({ port, host: "127.0.0.1", servername: "app.test", rejectUnauthorized: false, ALPNProtocols: ["h2"] });
  const frames: Frame[] = [];
  let rest = Buffer.alloc(0);
  let look = (): void => {};
  socket.on("error", () => {}).on("close", () => look()).on("data", (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (; rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3); rest = rest.subarray(9 + rest.readUIntBE(0, 3)))
      frames.push({ type: rest[3]!, flags: rest[4]!, stream: rest.readUInt32BE(5) & 0x7fffffff, payload: Buffer.from(rest.subarray(9, 9 + rest.readUIntBE(0, 3))) });
    look();
  });
  await once(socket, "secureConnect");
  const send: FrameClient["send"] = (type, flags, stream, payload = Buffer.alloc(0)) => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(stream, 5);
    socket.write(Buffer.concat([head, payload]));
  };
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  send(FRAME.settings, 0, 0);
  return {
    send,
    frame: (is) => new Promise((resolve) => {
      look = () => {
        const found = frames.find(is);
        if (found !== undefined || socket.destroyed) resolve(found ?? null);
      };
      look();
    }),
    close: () => socket.destroy(),
  };
}

/** Fields as HPACK literals, never indexed and never compressed (RFC 7541 6.2.3). */
export function literals(fields: [string, string][]): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value, "latin1")]);
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0x10]), text(name), text(value)]));
}
