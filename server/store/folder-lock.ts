/** A lock that the kernel takes back when its holder dies, however it dies: SQLite's own on a file. */

import Database from "better-sqlite3";

/**
 * Takes the lock.
 * @returns the function that gives it back; undefined when another process holds it.
 */
export function takeFolderLock(file: string): (() => void) | undefined {
  const db = new Database(file, { timeout: 0 });
  try {
    db.exec("BEGIN EXCLUSIVE");
    return () => void db.close();
  } catch (error) {
    db.close();
    if ((error as { code?: string }).code?.startsWith("SQLITE_BUSY")) return undefined;
    throw error;
  }
}
