/** The engine's framed streams: stdout and stderr of a container on one connection (Docker API: ContainerAttach, "Stream format"). */

import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

const HEADER = 8;

/** Takes raw chunks of a framed stream and hands on the text of both channels in the order of arrival. */
export function createDemultiplexer(onText: (text: string) => void): { push(chunk: Buffer): void; end(): void } {
  const decoders = [new StringDecoder("utf8"), new StringDecoder("utf8"), new StringDecoder("utf8")];
  let pending: Buffer = Buffer.alloc(0);
  return {
    push(chunk) {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      while (pending.length >= HEADER) {
        const size = pending.readUInt32BE(4);
        if (pending.length < HEADER + size) return;
        const text = decoders[pending[0] ?? 1]?.write(pending.subarray(HEADER, HEADER + size));
        pending = pending.subarray(HEADER + size);
        if (text) onText(text);
      }
    },
    end() {
      for (const decoder of decoders) {
        const rest = decoder.end();
        if (rest) onText(rest);
      }
    },
  };
}

/** All text of a framed buffer, at most `maxBytes` from its end. */
export function demultiplex(framed: Buffer, maxBytes: number): string {
  const texts: string[] = [];
  const demultiplexer = createDemultiplexer((text) => texts.push(text));
  demultiplexer.push(framed);
  demultiplexer.end();
  return texts.join("").slice(-maxBytes);
}

/** The lines of a stream of text, empty ones left out. @throws Error when it is destroyed before its end */
export async function* lines(stream: Readable): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream.setEncoding("utf8")) {
    const parts = (rest + String(chunk)).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) if (line.trim() !== "") yield line;
  }
  if (rest.trim() !== "") yield rest;
}
