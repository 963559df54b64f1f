import { expect, it } from "vitest";
import { createBuildQueue } from "../../server/pipeline/build-queue.ts";

/** A work that ends when it is told to. */
function work() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { began: false, end: resolve, promise };
}

it("so many builds work at a time, the others in the order in which they came, told their place whenever it changes", async () => {
  const queue = createBuildQueue(2);
  const works = Array.from({ length: 5 }, work);
  const places: number[][] = works.map(() => []);
  const done = works.map((one, i) => queue.run(() => ((one.began = true), one.promise), (place) => places[i]?.push(place), new AbortController().signal));
  await Promise.resolve();
  await expect.poll(() => works.map(({ began }) => began)).toEqual([true, true, false, false, false]);
  expect(places).toEqual([[], [], [1], [2], [3]]);
  works[1]?.end();
  await done[1];
  await expect.poll(() => works.map(({ began }) => began)).toEqual([true, true, true, false, false]);
  expect(places).toEqual([[], [], [1], [2, 1], [3, 2]]);
  for (const one of works) one.end();
  await Promise.all(done);
  expect(works.every(({ began }) => began)).toBe(true);
});

it("one that is broken off leaves the line, and one that fails makes room", async () => {
  const queue = createBuildQueue(1);
  const first = work();
  const stop = new AbortController();
  const places: number[] = [];
  const failing = queue.run(async () => {
    await first.promise;
    throw new Error("it failed");
  }, () => undefined, new AbortController().signal);
  const left = queue.run(async () => expect.unreachable(), () => undefined, stop.signal);
  const last = queue.run(async () => "built", (place) => places.push(place), new AbortController().signal);
  stop.abort();
  await expect(left).rejects.toMatchObject({ id: "build_failed", message: "The build was interrupted." });
  expect(places).toEqual([2, 1]);
  first.end();
  await expect(failing).rejects.toThrow("it failed");
  expect(await last).toBe("built");
});
