import fc from "fast-check";
import { expect, test } from "vitest";
import { plan, type Existing, type Wanted } from "../../server/domain/plan.ts";

const web = (number: number, fingerprint = "new"): Wanted => ({ type: "web", number, fingerprint });
const dyno = (id: string, wanted: Wanted, running = true): Existing => ({ ...wanted, id, running });
const ids = (dynos: Existing[]): string[] => dynos.map(({ id }) => id);
const key = ({ type, number, fingerprint }: Wanted): string => `${type}.${number}/${fingerprint}`;

test("where all is as wanted nothing is started and nothing discarded", () => {
  const { keep, start, discard } = plan([web(1), web(2)], [dyno("a", web(1)), dyno("b", web(2))], new Set());
  expect([ids(keep), start, discard]).toEqual([["a", "b"], [], []]);
});

test("a new release starts its dynos and discards the old ones", () => {
  const { keep, start, discard } = plan([web(1)], [dyno("a", web(1, "old"))], new Set(["a"]));
  expect([keep, start, ids(discard)]).toEqual([[], [web(1)], ["a"]]);
});

test("scaling down discards the highest numbers, scaling up keeps what runs", () => {
  const running = [dyno("a", web(1)), dyno("b", web(2)), dyno("c", web(3))];
  expect(ids(plan([web(1)], running, new Set()).discard)).toEqual(["b", "c"]);
  expect(plan([web(1), web(2), web(3), web(4)], running, new Set())).toMatchObject({ keep: running, start: [web(4)], discard: [] });
});

test("a dyno that stopped is discarded and replaced", () => {
  expect(plan([web(1)], [dyno("a", web(1), false)], new Set(["a"]))).toMatchObject({ keep: [], start: [web(1)], discard: [{ id: "a" }] });
});

test("of two equal dynos the one that serves is kept", () => {
  const twins = [dyno("a", web(1)), dyno("b", web(1))];
  expect(ids(plan([web(1)], twins, new Set(["b"])).keep)).toEqual(["b"]);
  expect(ids(plan([web(1)], twins, new Set(["a"])).keep)).toEqual(["a"]);
});

test("what is kept and started is exactly what is wanted; what is discarded is all the rest; stale ones are never kept", () => {
  const slot = fc.record({ type: fc.constantFrom("web", "worker"), number: fc.integer({ min: 1, max: 3 }), fingerprint: fc.constantFrom("old", "new") });
  const wanted = fc.uniqueArray(slot, { selector: ({ type, number }) => `${type}.${number}` });
  const existing = fc.array(fc.record({ slot, running: fc.boolean(), live: fc.boolean(), stale: fc.boolean() }), { maxLength: 12 });
  fc.assert(fc.property(wanted, existing, (want, found) => {
    const dynos = found.map((item, index) => ({ ...item.slot, id: `d${index}`, running: item.running, live: item.live, stale: item.stale }));
    const before = JSON.stringify(dynos);
    const live = new Set(dynos.filter((item) => item.live).map(({ id }) => id));
    const { keep, start, discard } = plan(want, dynos, live, (item) => item.stale);

    expect([...keep, ...start].map(key).sort()).toEqual(want.map(key).sort());
    expect([...keep, ...discard].map(({ id }) => id).sort()).toEqual(dynos.map(({ id }) => id).sort());
    for (const kept of keep) {
      const liveTwin = discard.some((item) => item.live && item.running && !item.stale && key(item) === key(kept));
      expect(kept.running && !kept.stale && (kept.live || !liveTwin)).toBe(true);
    }
    const usable = new Set(dynos.filter((item) => item.running && !item.stale).map(key));
    expect(start.filter((missing) => usable.has(key(missing)))).toEqual([]);
    expect(JSON.stringify(dynos)).toBe(before);
  }), { numRuns: 300 });
});
