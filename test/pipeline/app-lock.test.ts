import { expect, test } from "vitest";
import { createAppLock } from "../../server/pipeline/app-lock.ts";

/** Work that ends when the test says so. */
function work(log: string[], name: string): { run(): Promise<string>; end(): void; fail(): void } {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  return {
    async run() {
      log.push(`${name} begins`);
      try {
        return await promise;
      } finally {
        log.push(`${name} ends`);
      }
    },
    end: () => resolve(name),
    fail: () => reject(new Error(`${name} failed`)),
  };
}

test("an app's changes happen one after another, in the order of asking", async () => {
  const lock = createAppLock();
  const log: string[] = [];
  const jobs = ["a", "b", "c"].map((name) => work(log, name));
  const results = Promise.all(jobs.map((job) => lock.run("app", job.run)));
  for (const job of jobs.toReversed()) job.end();
  expect(await results).toEqual(["a", "b", "c"]);
  expect(log).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});

test("one that fails is told so and does not hold up the next", async () => {
  const lock = createAppLock();
  const log: string[] = [];
  const [bad, good] = [work(log, "bad"), work(log, "good")];
  const [first, second] = [lock.run("app", bad.run), lock.run("app", good.run)];
  bad.fail();
  good.end();
  await expect(first).rejects.toThrow("bad failed");
  expect(await second).toBe("good");
});

test("work that throws before it begins is told so and does not hold up the next", async () => {
  const lock = createAppLock();
  const first = lock.run("app", () => {
    throw new Error("at once");
  });
  await expect(first).rejects.toThrow("at once");
  expect(await lock.run("app", async () => "next")).toBe("next");
});

test("other apps do not wait", async () => {
  const lock = createAppLock();
  const log: string[] = [];
  const slow = work(log, "slow");
  const waiting = lock.run("one", slow.run);
  expect(await lock.run("two", async () => "done")).toBe("done");
  slow.end();
  expect(await waiting).toBe("slow");
});

test("a free lock is taken without delay, also right after its release", async () => {
  const lock = createAppLock();
  for (let i = 0; i < 100; i++) expect(await lock.run("app", async () => i)).toBe(i);
});
