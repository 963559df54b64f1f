import { expect, test } from "vitest";
import { withProgress } from "../../bin/setup/progress.ts";

test("says what begins, that it goes on, and how long it took", async () => {
  const lines: string[] = [];
  let finish = (): void => {};
  const task = withProgress("making tea", "about 4 min", (line) => (lines.push(line) === 2 ? finish() : undefined), () => new Promise<void>((resolve) => (finish = resolve)), 10);
  await task;
  expect(lines.map((line) => line.replace(/\d+ s/, "N s"))).toEqual(["paas: making tea (about 4 min)…", "paas: making tea: N s…", "paas: making tea: done in N s"]);
});

test("does not say done of what failed", async () => {
  const lines: string[] = [];
  const task = withProgress("making tea", "about 4 min", (line) => lines.push(line), () => Promise.reject(new Error("no water")));
  await expect(task).rejects.toThrow("no water");
  expect(lines).toEqual(["paas: making tea (about 4 min)…"]);
});
