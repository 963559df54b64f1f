/** A power cut: the write-ahead log on the disk ends anywhere, or its last page is half written (RELIABILITY b18 in the project's notes). */

import Database from "better-sqlite3";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openDatabase } from "../../server/store/database.ts";
import { addApp, addDeployment, addRelease, AT, MIGRATIONS, openStore, scratchFolder } from "./test-store.ts";

const RELEASES = 40;

/** A database at rest plus the log of 40 releases, each one transaction. */
function history(): { base: string; wal: Buffer } {
  const file = join(scratchFolder(), "paas.db");
  const before = openStore(file);
  const app = addApp(before);
  const atRest = new Database(file);
  atRest.pragma("wal_checkpoint(TRUNCATE)");
  atRest.close();
  const store = openStore(file);
  for (let i = 0; i < RELEASES; i++)
    store.transaction(() => {
      const starting = store.deployments.move(addDeployment(store, addRelease(store, app)), "starting", AT);
      store.deployments.makeCurrent(starting, AT);
    });
  const base = `${file}.copy`;
  copyFileSync(file, base);
  return { base, wal: readFileSync(`${file}-wal`) };
}

/** Opens a copy with that log as the control plane would, and tells how many releases it holds. */
function reopened(base: string, wal: Buffer, folder: string, name: string): number {
  const file = join(folder, `${name}.db`);
  copyFileSync(base, file);
  writeFileSync(`${file}-wal`, wal);
  const db = openDatabase(file, MIGRATIONS);
  try {
    expect(db.pragma("integrity_check", { simple: true })).toBe("ok");
    const versions = db.prepare<[], number>("SELECT version FROM releases ORDER BY version").pluck().all();
    expect(versions).toEqual(Array.from(versions, (_, index) => index + 1));
    expect(db.prepare("SELECT coalesce(max(version), 0) FROM release_counters").pluck().get()).toBe(versions.length);
    const states = db.prepare<[], string>("SELECT d.state FROM deployments d JOIN releases r ON r.id = d.release_id ORDER BY r.version").pluck().all();
    expect(states).toEqual(versions.map((version) => (version === versions.length ? "current" : "superseded")));
    return versions.length;
  } finally {
    db.close();
  }
}

test("a log cut anywhere opens whole, with a prefix of the history and its last release current", () => {
  const { base, wal } = history();
  const folder = scratchFolder();
  expect(reopened(base, wal, folder, "whole")).toBe(RELEASES);
  const counts = Array.from({ length: 100 }, (_, index) => {
    const length = Math.floor((wal.length * index) / 100) + (index % 7);
    return reopened(base, wal.subarray(0, length), folder, `cut-${index}`);
  });
  expect(counts).toEqual([...counts].sort((a, b) => a - b));
  expect(new Set(counts).size).toBeGreaterThan(RELEASES * 0.9);
});

test("a log with one bit wrong opens whole, with the history up to there", () => {
  const { base, wal } = history();
  const folder = scratchFolder();
  const counts = Array.from({ length: 40 }, (_, index) => {
    const flipped = Buffer.from(wal);
    const at = Math.floor((wal.length * (index + 0.5)) / 40);
    flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << index % 8), at);
    return reopened(base, flipped, folder, `flip-${index}`);
  });
  expect(counts).toEqual([...counts].sort((a, b) => a - b));
  expect(Math.max(...counts)).toBeLessThan(RELEASES + 1);
  expect(new Set(counts).size).toBeGreaterThan(20);
});
