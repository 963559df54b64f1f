import fc from "fast-check";
import { expect, test } from "vitest";
import { createDemultiplexer, demultiplex } from "../../server/engine/streams.ts";

const STDOUT = 1;
const STDERR = 2;

/** A frame as the engine sends it (Docker API: ContainerAttach, "Stream format"). */
function frame(channel: number, payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload as string);
  const header = Buffer.alloc(8);
  header.writeUInt8(channel, 0);
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

function read(...chunks: Buffer[]): string {
  let all = "";
  const demultiplexer = createDemultiplexer((text) => void (all += text));
  for (const chunk of chunks) demultiplexer.push(chunk);
  demultiplexer.end();
  return all;
}

test("both channels come in the order of arrival", () => {
  expect(read(Buffer.concat([frame(STDOUT, "a\n"), frame(STDERR, "b\n"), frame(STDOUT, "c\n")]))).toBe("a\nb\nc\n");
});

test("an empty frame and an empty chunk say nothing", () => {
  expect(read(Buffer.alloc(0), frame(STDOUT, ""), Buffer.alloc(0), frame(STDERR, "x"))).toBe("x");
});

test("a character that is split over two frames of one channel is whole again, also with the other channel in between", () => {
  const [front, back] = [Buffer.from("é").subarray(0, 1), Buffer.from("é").subarray(1)];
  expect(read(frame(STDOUT, front), frame(STDOUT, back))).toBe("é");
  expect(read(frame(STDOUT, front), frame(STDERR, "x"), frame(STDOUT, back))).toBe("xé");
});

test("a character that never comes to its end shows as one that is broken, and an unfinished frame says nothing", () => {
  expect(read(frame(STDOUT, Buffer.from("€").subarray(0, 2)))).toBe("\ufffd");
  expect(read(frame(STDOUT, "abc").subarray(0, 10))).toBe("");
});

test("however the bytes are cut, the text is the same", () => {
  const frames = fc.array(fc.record({ channel: fc.constantFrom(STDOUT, STDERR), text: fc.string({ unit: fc.constantFrom("a", "\n", "é", "€", "😀"), maxLength: 8 }) }), { maxLength: 12 });
  const cuts = fc.array(fc.nat({ max: 400 }), { maxLength: 20 });
  fc.assert(fc.property(frames, cuts, (sent, places) => {
    const bytes = Buffer.concat(sent.map(({ channel, text }) => frame(channel, text)));
    const edges = [...new Set([0, ...places.filter((place) => place < bytes.length), bytes.length])].sort((a, b) => a - b);
    const chunks = edges.slice(1).map((end, index) => bytes.subarray(edges[index], end));
    return read(...chunks) === sent.map(({ text }) => text).join("");
  }), { numRuns: 300 });
});

test("however a text is cut into frames of one channel, it is the same text", () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom("a", "é", "€", "😀"), maxLength: 20 }), fc.array(fc.nat({ max: 80 })), (text, places) => {
    const bytes = Buffer.from(text);
    const edges = [...new Set([0, ...places.filter((place) => place < bytes.length), bytes.length])].sort((a, b) => a - b);
    return read(...edges.slice(1).map((end, index) => frame(STDOUT, bytes.subarray(edges[index], end)))) === text;
  }), { numRuns: 300 });
});

test("of a whole buffer the end is kept", () => {
  const framed = Buffer.concat([frame(STDOUT, "one\n"), frame(STDERR, "two\n")]);
  expect(demultiplex(framed, 1000)).toBe("one\ntwo\n");
  expect(demultiplex(framed, 4)).toBe("two\n");
});
