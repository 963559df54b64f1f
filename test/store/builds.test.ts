import { expect, test } from "vitest";
import { addApp, newBuild, openStore } from "./test-store.ts";

test("an app has one pending build at most; the next one may begin when it has ended", () => {
  const store = openStore();
  const app = addApp(store);
  const first = newBuild(store, app);
  store.builds.insert(first);
  expect(() => store.builds.insert(newBuild(store, app))).toThrow(/UNIQUE constraint failed: builds\.app_id/);
  store.builds.insert(newBuild(store, addApp(store)));
  expect(store.builds.pending()).toHaveLength(2);

  store.builds.update({ ...first, status: "failed", reason: "no" });
  store.builds.insert(newBuild(store, app));
  expect(store.builds.list(app.id).map(({ status }) => status).sort()).toEqual(["failed", "pending"]);
  expect(store.builds.find(first.id)).toMatchObject({ status: "failed", reason: "no" });
});

test("builds are listed in the order of their beginning", () => {
  const store = openStore();
  const app = addApp(store);
  for (const second of [2, 0, 1]) store.builds.insert({ ...newBuild(store, app), status: "succeeded", commit: `c${second}`, createdAt: `2026-01-01T00:00:0${second}.000Z` });
  expect(store.builds.list(app.id).map(({ commit }) => commit)).toEqual(["c0", "c1", "c2"]);
});
