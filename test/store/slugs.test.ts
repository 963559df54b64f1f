import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { EMPTY_APP_JSON } from "../../server/domain/app-json.ts";
import { addApp, addRelease, addSlug, AT, openStore } from "./test-store.ts";

const letters = (slugs: { image: string }[]): string => slugs.map(({ image }) => image).sort().join("");

test("the slugs of the last releases are kept, each counted once, however often it was released", () => {
  const store = openStore();
  const app = addApp(store);
  const [a, b, c] = [addSlug(store, app, "a"), addSlug(store, app, "b"), addSlug(store, app, "c")];
  for (const slug of [a, b, c, c, c]) addRelease(store, app, slug);
  expect(letters(store.slugs.beyond(app.id, 1))).toBe("ab");
  expect(letters(store.slugs.beyond(app.id, 2))).toBe("a");
  expect(letters(store.slugs.beyond(app.id, 3))).toBe("");
});

test("a rollback makes an old slug young again", () => {
  const store = openStore();
  const app = addApp(store);
  const [a, b, c] = [addSlug(store, app, "a"), addSlug(store, app, "b"), addSlug(store, app, "c")];
  for (const slug of [a, b, c, a]) addRelease(store, app, slug);
  expect(letters(store.slugs.beyond(app.id, 2))).toBe("b");
});

test("releases without a slug count for nothing, and other apps neither", () => {
  const store = openStore();
  const [app, other] = [addApp(store), addApp(store)];
  addRelease(store, app);
  const [a, b] = [addSlug(store, app, "a"), addSlug(store, app, "b")];
  for (const slug of [a, b]) addRelease(store, app, slug);
  addRelease(store, app);
  addRelease(store, other, addSlug(store, other, "z"));
  expect(letters(store.slugs.beyond(app.id, 2))).toBe("");
  expect(letters(store.slugs.beyond(app.id, 1))).toBe("a");
  expect(letters(store.slugs.beyond(other.id, 1))).toBe("");
});

test("a slug that no release ever used is beyond them all", () => {
  const store = openStore();
  const app = addApp(store);
  addSlug(store, app, "stray");
  addRelease(store, app, addSlug(store, app, "a"));
  expect(letters(store.slugs.beyond(app.id, 10))).toBe("stray");
});

test("a pruned slug is known but neither kept nor pruned again, and its image is nobody's", () => {
  const store = openStore();
  const app = addApp(store);
  const [a, b] = [addSlug(store, app, "a"), addSlug(store, app, "b")];
  for (const slug of [a, b]) addRelease(store, app, slug);
  store.slugs.markPruned(a.id, AT);
  expect(store.slugs.find(a.id)).toEqual({ ...a, prunedAt: AT });
  expect(letters(store.slugs.beyond(app.id, 1))).toBe("");
  expect(letters(store.slugs.kept(app.id))).toBe("b");
  expect(store.slugs.images()).toEqual(["b"]);
});

test("an image that two slugs share is named once, and stays while one of them is kept", () => {
  const store = openStore();
  const [app, other] = [addApp(store), addApp(store)];
  const [one] = [addSlug(store, app, "same"), addSlug(store, other, "same")];
  expect(store.slugs.images()).toEqual(["same"]);
  store.slugs.markPruned(one.id, AT);
  expect(store.slugs.images()).toEqual(["same"]);
});

test("a slug of an earlier version, whose app.json had fewer keys, is read as if the others were not written", () => {
  const store = openStore();
  const slug = addSlug(store, addApp(store));
  const database = new Database(store.file);
  database.prepare("UPDATE slugs SET app_json = ?").run('{"formation":{"web":{"quantity":2}},"healthchecks":{}}');
  database.close();
  expect(store.slugs.find(slug.id)?.appJson).toEqual({ ...EMPTY_APP_JSON, formation: { web: { quantity: 2 } } });
});
