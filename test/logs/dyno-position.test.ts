/** How far a dyno's log was read: whatever was read before a break, and wherever the break is, the rest comes once. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { advance, createFilter, endMark, lineTime, markOf, parseMark, unreadSince, type DynoPosition } from "../../server/logs/dyno-position.ts";

type Piece = { channel: 1 | 2; at: string };
const at = (nanos: number): string => `2026-11-23T22:14:${String(10 + Math.floor(nanos / 1e9)).padStart(2, "0")}.${String(nanos % 1e9).padStart(9, "0")}Z`;

/** What the engine has: within a channel times never fall, many are equal; between the two, a piece may stand behind a younger one by less than a second. */
const log = fc.array(fc.record({ channel: fc.constantFrom(1 as const, 2 as const), step: fc.constantFrom(0, 0, 0, 1, 5, 400_000_000) }), { maxLength: 40 }).map((steps) => {
  let time = 0;
  const skew = { 1: 0, 2: 600_000_000 };
  return steps.map(({ channel, step }): Piece => ({ channel, at: at((time += step) + skew[channel]) }));
});

/** The engine's answer: every piece whose time is not before `since`, in the log's order. */
const since = (pieces: Piece[], time: string | undefined): Piece[] => pieces.filter((piece) => time === undefined || piece.at >= time);

test("wherever reading breaks off, and however often, every piece is taken once", () => {
  fc.assert(fc.property(log, fc.array(fc.nat({ max: 30 }), { maxLength: 6 }), (pieces, breaks) => {
    const position: DynoPosition = { channels: {}, ended: false };
    const taken: Piece[] = [];
    for (const count of [...breaks, Infinity]) {
      const isNew = createFilter(position);
      for (const piece of since(pieces, unreadSince(position)).slice(0, count)) {
        if (!isNew(piece)) continue;
        advance(position, piece);
        taken.push(piece);
      }
    }
    expect(taken).toHaveLength(pieces.length);
    for (const channel of [1, 2]) expect(taken.filter((piece) => piece.channel === channel)).toEqual(pieces.filter((piece) => piece.channel === channel));
  }), { numRuns: 2000 });
});

test("a line's mark brings back the engine's time to the nanosecond", () => {
  const piece = { channel: 2 as const, at: "2026-11-23T22:14:47.123456789Z" };
  expect(markOf("3f2a9c0b1d2e4567", piece)).toBe("3f2a9c0b1d2e:2:789");
  expect(parseMark("3f2a9c0b1d2e:2:789", lineTime(piece.at))).toEqual({ dyno: "3f2a9c0b1d2e", ...piece });
  expect(parseMark(endMark("3f2a9c0b1d2e4567"), lineTime(piece.at))).toMatchObject({ dyno: "3f2a9c0b1d2e", channel: "x" });
  for (const wrong of ["", "x", "a:3:789", "a:1:78", "a:1:7890", ":1:789"]) expect(parseMark(wrong, lineTime(piece.at)), wrong).toBeUndefined();
});
