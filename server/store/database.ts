/** Opens the database and brings its schema up to date. */

import Database from "better-sqlite3";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export type Db = Database.Database;

/** The schema and the program do not fit together; the message says what to do. */
export class MigrationError extends Error {
  override name = "MigrationError";
}

/**
 * Opens (or creates, mode 0600) the database file and runs the migrations that it lacks.
 * @throws MigrationError when a migration that ran was changed since, or the file is from a newer version.
 */
export function openDatabase(file: string, migrationsDir: string): Db {
  const db = new Database(file, { timeout: 5000 });
  try {
    prepare(db, file, migrationsDir);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function prepare(db: Db, file: string, migrationsDir: string): void {
  chmodSync(file, 0o600);
  // FULL: a release that was acknowledged outlives a power cut; a commit costs about 0.25 ms.
  for (const pragma of ["journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "trusted_schema = OFF"]) db.pragma(pragma);
  migrate(db, migrationsDir);
  for (const suffix of ["-wal", "-shm"]) if (existsSync(file + suffix)) chmodSync(file + suffix, 0o600);
}

/** Runs what is missing, each file in one transaction, in the order of their names. */
function migrate(db: Db, dir: string): void {
  db.exec("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, sha256 TEXT NOT NULL, ran_at TEXT NOT NULL) STRICT");
  const ran = new Map(db.prepare<[], { name: string; sha256: string }>("SELECT name, sha256 FROM migrations").all().map((row) => [row.name, row.sha256]));
  const files = readdirSync(dir).filter((name) => name.endsWith(".sql")).sort();
  const unknown = [...ran.keys()].filter((name) => !files.includes(name));
  if (unknown.length > 0) throw new MigrationError(`The database was used by a newer version (it knows ${unknown.join(", ")}): start that version, or restore the backup made before the upgrade.`);

  for (const name of files) {
    const sql = readFileSync(join(dir, name), "utf8");
    const sha256 = createHash("sha256").update(sql).digest("hex");
    const before = ran.get(name);
    if (before === sha256) continue;
    if (before !== undefined) throw new MigrationError(`The migration ${name} was changed after it ran here: put its original text back; a change of the schema is a new file.`);
    db.transaction(() => {
      db.exec(sql);
      db.prepare("INSERT INTO migrations (name, sha256, ran_at) VALUES (?, ?, ?)").run(name, sha256, new Date().toISOString());
    })();
  }
}
