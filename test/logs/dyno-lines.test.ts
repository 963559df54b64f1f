import { expect, test } from "vitest";
import type { Dyno, PrintedPiece } from "../../server/engine/engine.ts";
import { createDynoReader } from "../../server/logs/dyno-lines.ts";
import type { Hub } from "../../server/logs/hub.ts";

const dyno = { id: "0123456789abcdef", appId: "app", name: "web.1", releaseVersion: 1 } as unknown as Dyno;

/** A reader whose clock the test sets, and what it writes. */
function house() {
  const clock = { now: 0 };
  const texts: string[] = [];
  let dropped = 0;
  const hub = { write: (_app: string, { text }: { text: string }) => void texts.push(text), countDropped: (_app: string, count: number) => void (dropped += count) };
  const reader = createDynoReader(hub as unknown as Hub, dyno, { channels: {}, ended: false }, () => {}, () => clock.now);
  let pieces = 0;
  const print = (lines: number): void => {
    for (let line = 0; line < lines; line++) {
      const at = `2026-11-23T22:14:47.${String(pieces++).padStart(9, "0")}Z`;
      reader.take({ channel: 1, at, octets: Buffer.from("x".repeat(1000)), whole: true } satisfies PrintedPiece);
    }
  };
  return { clock, texts, reader, print, dropped: () => dropped, kept: () => texts.filter((text) => text.startsWith("x")).length };
}

test("a dyno may print a burst; then it is slowed down, which is said once a minute, until its seconds have paid for it", () => {
  const { clock, texts, reader, print, kept } = house();
  print(3000);
  expect(reader.overloaded()).toBe(false);
  print(3000);
  expect([reader.overloaded(), reader.overloaded()]).toEqual([true, true]);
  expect(texts.filter((text) => text === "Output is slowed down to 2 MB a second")).toHaveLength(1);
  clock.now += 2000;
  expect(reader.overloaded()).toBe(false);
  expect(kept()).toBe(6000);
});

test("what was under way when it was slowed down is taken, and what comes beyond that is dropped, counted, and told in its place", () => {
  const { clock, texts, print, dropped, kept } = house();
  print(30_000);
  const taken = kept();
  // 4 MB of burst and 8 MB of debt, at 1,064 a line.
  expect(taken).toBe(11_279);
  clock.now += 20_000;
  print(1);
  expect(dropped()).toBe(30_000 - taken);
  expect(texts.slice(taken)).toEqual([`Error L12 (Local buffer overflow) -> ${30_000 - taken} messages dropped since 2026-11-23T22:14:47.000011+00:00.`, "x".repeat(1000)]);
});

test("a flood that goes on is told of every second", () => {
  const { clock, texts, print, kept } = house();
  print(12_000);
  const taken = kept();
  // More than a millisecond pays for, even of what is dropped.
  for (let ms = 0; ms < 2100; ms++) {
    clock.now += 1;
    print(300);
  }
  expect(kept()).toBe(taken);
  expect(texts.filter((text) => text.startsWith("Error L12"))).toHaveLength(2);
});
