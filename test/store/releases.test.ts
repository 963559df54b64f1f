import Database from "better-sqlite3";
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { App } from "../../server/domain/model.ts";
import { addApp, addRelease, addSlug, openStore, type TestStore } from "./test-store.ts";

const run = promisify(execFile);

const versions = (store: TestStore, app: App): number[] => store.releases.list(app.id).map(({ version }) => version);

/** A connection of somebody with an SQL prompt. */
function byHand<T>(file: string, work: (db: Database.Database) => T): T {
  const db = new Database(file);
  try {
    db.pragma("foreign_keys = ON");
    return work(db);
  } finally {
    db.close();
  }
}

test("each app counts its own releases from 1", () => {
  const store = openStore();
  const [one, two] = [addApp(store), addApp(store)];
  for (const app of [one, two, one, one, two]) addRelease(store, app);
  expect([versions(store, one), versions(store, two)]).toEqual([[1, 2, 3], [1, 2]]);
});

test("a release is read back as it was written, by id and by version", () => {
  const store = openStore();
  const app = addApp(store);
  const release = addRelease(store, app, addSlug(store, app));
  expect(store.releases.find(release.id)).toEqual(release);
  expect(store.releases.findByVersion(app.id, 1)).toEqual(release);
  expect(store.releases.findByVersion(app.id, 2)).toBeUndefined();
  expect(store.releases.findByVersion(addApp(store).id, 1)).toBeUndefined();
});

test("a release never changes, not even by hand", () => {
  const store = openStore();
  const app = addApp(store);
  const release = addRelease(store, app);
  const columns = ["version = 7", "config = '{}'", "formation = '{}'", "description = 'x'", "slug_id = NULL", "created_at = 'x'", "id = 'x'"];
  for (const column of columns) expect(() => byHand(store.file, (db) => db.prepare(`UPDATE releases SET ${column}`).run())).toThrow("a release never changes");
  expect(store.releases.find(release.id)).toEqual(release);
});

test("a number is not given again, not even when somebody deletes the highest release by hand", () => {
  const store = openStore();
  const app = addApp(store);
  for (let i = 0; i < 3; i++) addRelease(store, app);
  byHand(store.file, (db) => db.prepare("DELETE FROM releases WHERE version >= 2").run());
  expect(addRelease(store, app).version).toBe(4);
});

test("a release whose transaction fails leaves no trace and takes no number", () => {
  const store = openStore();
  const app = addApp(store);
  addRelease(store, app);
  expect(() => store.transaction(() => {
    addRelease(store, app);
    throw new Error("no");
  })).toThrow("no");
  expect(versions(store, app)).toEqual([1]);
  expect(addRelease(store, app).version).toBe(2);
});

test("two releases of one app cannot bear the same number", () => {
  const store = openStore();
  const app = addApp(store);
  addRelease(store, app);
  expect(() => byHand(store.file, (db) => db.prepare("INSERT INTO releases SELECT ?, app_id, version, slug_id, config, formation, description, user_id, commit_sha, created_at FROM releases").run(randomUUID())))
    .toThrow(/UNIQUE constraint failed: releases\.app_id, releases\.version/);
});

test("an app that bears the name of a destroyed one begins at v1 and has nothing of the old one", () => {
  const store = openStore();
  const before = addApp(store, "phoenix");
  const slug = addSlug(store, before);
  const old = addRelease(store, before, slug);
  addRelease(store, before, slug);
  store.apps.remove(before.id);

  const after = addApp(store, "phoenix");
  expect(store.releases.list(after.id)).toEqual([]);
  expect(addRelease(store, after).version).toBe(1);
  expect(store.releases.find(old.id)).toBeUndefined();
  expect(store.slugs.find(slug.id)).toBeUndefined();
});

test("a destroyed app leaves no row of its own in any table", () => {
  const store = openStore();
  const app = addApp(store);
  addRelease(store, app, addSlug(store, app));
  store.apps.remove(app.id);
  const rows = byHand(store.file, (db) => {
    const tables = db.prepare<[], { name: string }>("SELECT name FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('users', 'tokens', 'migrations')").all();
    return tables.map(({ name }) => `${name} ${String(db.prepare(`SELECT count(*) FROM ${name}`).pluck().get())}`);
  });
  expect(rows.length).toBeGreaterThan(4);
  expect(rows.filter((row) => !row.endsWith(" 0"))).toEqual([]);
});

test("three processes that release at once get every number once, in an unbroken row", async () => {
  const store = openStore();
  const shared = addApp(store);
  const own = [addApp(store), addApp(store), addApp(store)];
  const got = await Promise.all(own.map(async ({ id }) => {
    const code = `
      const { createStore } = await import("${join(import.meta.dirname, "../../server/store/store.ts")}");
      const store = createStore(${JSON.stringify(store.file)}, ${JSON.stringify(join(import.meta.dirname, "../../migrations"))});
      const release = (appId) => store.transaction(() => store.releases.insert({ id: crypto.randomUUID(), appId, slugId: null, config: {}, formation: {}, description: "x", userId: "${store.user.id}", commit: null, createdAt: "x" })).version;
      const numbers = [];
      for (let i = 0; i < 25; i++) { numbers.push(release("${shared.id}")); release("${id}"); }
      console.log(JSON.stringify(numbers));`;
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", code], { timeout: 30_000 });
    return JSON.parse(stdout) as number[];
  }));
  for (const numbers of got) expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  expect(got.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 75 }, (_, index) => index + 1));
  for (const app of own) expect(versions(store, app)).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
});
