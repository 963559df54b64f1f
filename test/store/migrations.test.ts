import Database from "better-sqlite3";
import { appendFileSync, cpSync, mkdirSync, readdirSync, readlinkSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MigrationError, openDatabase } from "../../server/store/database.ts";
import { MIGRATIONS, scratchFolder } from "./test-store.ts";

const RAN = "SELECT name, sha256, ran_at FROM migrations ORDER BY name";

/** A folder with the project's migrations, to add to, and a database file beside it. */
function machine(): { file: string; dir: string } {
  const folder = scratchFolder();
  const dir = join(folder, "migrations");
  cpSync(MIGRATIONS, dir, { recursive: true });
  return { file: join(folder, "paas.db"), dir };
}

/** Opens, looks, closes. */
function look<T>({ file, dir }: { file: string; dir: string }, sql: string): T[] {
  const db = openDatabase(file, dir);
  try {
    return db.prepare<[], T>(sql).all();
  } finally {
    db.close();
  }
}

/** Looks without migrating. */
function peek<T>(file: string, sql: string): T[] {
  const db = new Database(file, { readonly: true });
  try {
    return db.prepare<[], T>(sql).all();
  } finally {
    db.close();
  }
}

/** What this process holds open (proc(5)). */
function openFiles(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}

test("a new database gets every migration, and a second run does no harm", () => {
  const at = machine();
  const first = look<{ name: string }>(at, RAN);
  expect(first.map(({ name }) => name)).toEqual(readdirSync(MIGRATIONS).filter((name) => name.endsWith(".sql")).sort());
  expect(look(at, RAN)).toEqual(first);
});

test("two that open the same new file one after another run each migration once", () => {
  const at = machine();
  const one = openDatabase(at.file, at.dir);
  const other = openDatabase(at.file, at.dir);
  expect(other.prepare(RAN).all()).toEqual(one.prepare(RAN).all());
  one.close();
  other.close();
});

test("a migration that was changed after it ran is refused, and the sentence says what to do", () => {
  const at = machine();
  look(at, RAN);
  appendFileSync(join(at.dir, "0001_initial.sql"), "\n-- a harmless comment\n");
  expect(() => openDatabase(at.file, at.dir)).toThrow(new MigrationError("The migration 0001_initial.sql was changed after it ran here: put its original text back; a change of the schema is a new file."));
  expect(openFiles().filter((path) => path.startsWith(at.file))).toEqual([]);
});

test("a database of a newer version is refused and not altered", () => {
  const at = machine();
  writeFileSync(join(at.dir, "0999_from_tomorrow.sql"), "CREATE TABLE tomorrow (x TEXT) STRICT;");
  look(at, RAN);
  renameSync(join(at.dir, "0999_from_tomorrow.sql"), join(at.dir, "0999_gone"));
  writeFileSync(join(at.dir, "0500_of_today.sql"), "CREATE TABLE today (x TEXT) STRICT;");
  expect(() => look(at, RAN)).toThrow(/^The database was used by a newer version \(it knows 0999_from_tomorrow\.sql\): start that version, or restore the backup made before the upgrade\.$/);
  expect(peek(at.file, "SELECT name FROM sqlite_schema WHERE name = 'today'")).toEqual([]);
});

test("migrations run in the order of their names", () => {
  const at = machine();
  writeFileSync(join(at.dir, "0997_b.sql"), "INSERT INTO steps VALUES ('b');");
  writeFileSync(join(at.dir, "0996_a.sql"), "CREATE TABLE steps (x TEXT) STRICT; INSERT INTO steps VALUES ('a');");
  mkdirSync(join(at.dir, "notes"));
  writeFileSync(join(at.dir, "README.md"), "not SQL");
  expect(look(at, "SELECT x FROM steps ORDER BY rowid")).toEqual([{ x: "a" }, { x: "b" }]);
});

test("a migration that fails halfway leaves nothing, those before it stay, and it runs once it is mended", () => {
  const at = machine();
  writeFileSync(join(at.dir, "0997_good.sql"), "CREATE TABLE good (x TEXT) STRICT;");
  writeFileSync(join(at.dir, "0998_bad.sql"), "CREATE TABLE half (x TEXT) STRICT; INSERT INTO half VALUES ('x'); INSERT INTO nowhere VALUES (1);");
  expect(() => look(at, RAN)).toThrow(/no such table: nowhere/);
  expect(peek(at.file, "SELECT name FROM sqlite_schema WHERE name IN ('good', 'half')")).toEqual([{ name: "good" }]);
  expect(peek(at.file, "SELECT name FROM migrations WHERE name LIKE '099%'")).toEqual([{ name: "0997_good.sql" }]);

  writeFileSync(join(at.dir, "0998_bad.sql"), "CREATE TABLE half (x TEXT) STRICT;");
  expect(look(at, "SELECT name FROM migrations WHERE name LIKE '099%'")).toHaveLength(2);
});

test("the file and what lies beside it are the owner's alone", () => {
  const at = machine();
  const db = openDatabase(at.file, at.dir);
  db.exec("CREATE TABLE x (y TEXT)");
  for (const suffix of ["", "-wal", "-shm"]) expect(`${suffix} ${(statSync(at.file + suffix).mode & 0o777).toString(8)}`).toBe(`${suffix} 600`);
  db.close();
});

test("a commit is on the disk before it is acknowledged: WAL with synchronous FULL; and keys and schema are checked", () => {
  const at = machine();
  const db = openDatabase(at.file, at.dir);
  const pragma = (name: string): unknown => db.pragma(name, { simple: true });
  expect(pragma("journal_mode")).toBe("wal");
  expect(pragma("synchronous")).toBe(2);
  expect(pragma("foreign_keys")).toBe(1);
  expect(pragma("trusted_schema")).toBe(0);
  expect(pragma("busy_timeout")).toBeGreaterThan(0);
  db.close();
});

test("every table is strict: no column takes what it does not mean", () => {
  const at = machine();
  const loose = look<{ name: string; strict: number }>(at, "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite_%' AND strict = 0");
  expect(loose).toEqual([]);
});

