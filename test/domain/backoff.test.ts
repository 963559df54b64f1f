import { expect, test } from "vitest";
import { countCrash, nextStart, type Crashes } from "../../server/domain/backoff.ts";

const MINUTE = 60_000;

test("the first crash is answered at once, the next after 1 s, 2 s, 4 s and so on, and never later than 5 minutes", () => {
  const waits = Array.from({ length: 14 }, (_, index) => nextStart({ count: index + 1, lastAt: 1000 }, 0) - 1000);
  expect(waits).toEqual([0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300].map((seconds) => seconds * 1000));
});

test("chance adds at most a fifth", () => {
  expect(nextStart({ count: 6, lastAt: 0 }, 1)).toBe(16_000 * 1.2);
  expect(nextStart({ count: 6, lastAt: 0 }, 0.5)).toBe(16_000 * 1.1);
  expect(nextStart({ count: 1, lastAt: 7 }, 1)).toBe(7);
});

test.each([0, 0.3, 1])("b10: a dyno that dies at once is started at most 12 times in the first 10 minutes (chance %d)", (random) => {
  let starts = 1;
  let crashes: Crashes | undefined;
  for (let at = 0; at < 10 * MINUTE; starts++) {
    crashes = countCrash(crashes, at);
    at = nextStart(crashes, random);
    if (at >= 10 * MINUTE) break;
  }
  expect(starts).toBeLessThanOrEqual(12);
  expect(starts).toBeGreaterThan(8);
});

test("a dyno that stayed up for 10 minutes begins anew", () => {
  const crashed: Crashes = { count: 9, lastAt: 0 };
  expect(countCrash(crashed, 10 * MINUTE - 1)).toEqual({ count: 10, lastAt: 10 * MINUTE - 1 });
  expect(countCrash(crashed, 10 * MINUTE)).toEqual({ count: 1, lastAt: 10 * MINUTE });
  expect(countCrash(undefined, 5)).toEqual({ count: 1, lastAt: 5 });
});

test("the count may grow for years", () => {
  expect(nextStart({ count: 1_000_000, lastAt: 0 }, 0)).toBe(5 * MINUTE);
});
