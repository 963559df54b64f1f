/** The history on disk: what comes back, what is bounded, what a crash leaves. */

import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createHistory, type History } from "../../server/logs/history.ts";
import { createClock, type LogLine } from "../../server/logs/line.ts";

const MB = 1024 * 1024;
const clock = createClock();
const line = (text: string, more: Partial<LogLine> = {}): LogLine => ({ at: clock(), source: "app", ps: "web.1", release: 1, text, mark: undefined, ...more });

function open(more: { dir?: string; maxBytes?: number; maxTotalBytes?: number } = {}) {
  const dir = more.dir ?? mkdtempSync(join(tmpdir(), "paas-history-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const failures: unknown[] = [];
  const history = createHistory({ dir, maxBytes: MB, maxTotalBytes: 100 * MB, onFailure: (error) => failures.push(error), ...more });
  return { dir, history, failures };
}

async function texts(history: History, filter = {}, count = 1000, app = "a"): Promise<string[]> {
  await history.flush();
  return (await history.last(app, filter, count, history.end(app))).map(({ line: { text } }) => text);
}

test("what is appended is read back, whole and in order, also by the next process", async () => {
  const { dir, history } = open();
  const written = ["plain", "", " blanks  at both ends ", "v9 - looks like a header", "é€😀", "\x1b[31mred\x1b[0m"].map((text, index) => line(text, { release: index === 0 ? undefined : index, mark: index === 1 ? "abc:1:789" : undefined }));
  for (const one of written) history.append("a", one);
  await history.flush();
  const again = open({ dir });
  expect((await again.history.last("a", {}, 100, again.history.end("a"))).map((found) => found.line)).toEqual(written);
  again.history.append("a", line("later"));
  expect((await texts(again.history)).at(-1)).toBe("later");
});

test("a record that a crash tore is dropped at the next start, and what comes then stands on a line of its own", async () => {
  const { dir, history } = open();
  history.append("a", line("whole"));
  await history.flush();
  appendFileSync(join(dir, "a", "1.log"), "2026-11-23T22:14:47.123456+00:00 app[web.1] v1 - to");
  const next = open({ dir }).history;
  next.append("a", line("after"));
  expect(await texts(next)).toEqual(["whole", "after"]);
});

test("filters take a source, a dyno, a process type or a release, and the last lines alone", async () => {
  const { history } = open();
  for (const [ps, source, release] of [["web.1", "app", 1], ["web.10", "app", 2], ["worker.1", "app", 2], ["router", "heroku", 2], ["api", "app", undefined]] as const)
    history.append("a", line(`${ps} v${release}`, { ps, source, release }));
  expect(await texts(history, { source: "heroku" })).toEqual(["router v2"]);
  expect(await texts(history, { dyno: "web" })).toEqual(["web.1 v1", "web.10 v2"]);
  expect(await texts(history, { dyno: "web.1" })).toEqual(["web.1 v1"]);
  expect(await texts(history, { release: 2 })).toEqual(["web.10 v2", "worker.1 v2", "router v2"]);
  expect(await texts(history, { release: 2 }, 2)).toEqual(["worker.1 v2", "router v2"]);
  expect(await texts(history, { release: 7 })).toEqual([]);
});

test("an app's history stays below its size, and the last words of every release outlive its segments", async () => {
  const { dir, history } = open();
  for (let release = 1; release <= 6; release++) {
    for (let count = 0; count < 3000; count++) history.append("a", line(`v${release} says ${count} ${"x".repeat(60)}`, { release }));
    history.append("a", line(`v${release} crashed`, { release }));
    await history.flush();
  }
  await history.flush();
  const size = (folder: string): number => readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => sum + (entry.isDirectory() ? size(join(folder, entry.name)) : statSync(join(folder, entry.name)).size), 0);
  expect(size(join(dir, "a"))).toBeLessThan(MB);
  for (let release = 1; release <= 6; release++) expect((await texts(history, { release }, 1)), `v${release}`).toEqual([`v${release} crashed`]);
  expect((await texts(history, { release: 1 }, 50)).slice(-2)).toEqual([`v1 says 2999 ${"x".repeat(60)}`, "v1 crashed"]);
});

test("all apps together stay below the whole machine's size", async () => {
  const { dir, history } = open({ maxTotalBytes: 2 * MB });
  const apps = ["a", "b", "c", "d", "e", "f", "g", "h"];
  for (const app of apps) history.end(app);
  for (let count = 0; count < 6000; count++) for (const app of apps) history.append(app, line(`${count} ${"y".repeat(50)}`));
  await history.flush();
  await history.flush();
  const size = apps.flatMap((app) => readdirSync(join(dir, app), { withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => statSync(join(dir, app, entry.name)).size)).reduce((sum, bytes) => sum + bytes);
  expect(size).toBeLessThan(2 * MB);
});

test("an app that is silent gives room to those that came later, and keeps its newest lines", async () => {
  const { dir, history } = open({ maxTotalBytes: 2 * MB });
  for (let count = 0; count < 10_000; count++) history.append("a", line(`${count} ${"y".repeat(50)}`));
  await history.flush();
  for (const app of ["b", "c", "d", "e", "f", "g", "h"]) history.append(app, line("new"));
  await history.flush();
  await history.trim();
  const size = readdirSync(join(dir, "a"), { withFileTypes: true }).filter((entry) => entry.isFile()).reduce((sum, entry) => sum + statSync(join(dir, "a", entry.name)).size, 0);
  expect(size).toBeLessThan(MB / 4);
  expect((await texts(history, {}, 1))[0]).toMatch(/^9999 /);
  expect(await texts(history, {}, 1, "b")).toEqual(["new"]);
});

test("a reader goes on behind the position it had, across segments, and gets nothing twice", async () => {
  const { history } = open();
  const positions = Array.from({ length: 5000 }, (_, count) => history.append("a", line(`${count} ${"z".repeat(50)}`)) as number);
  await history.flush();
  const read: string[] = [];
  for await (const { line: { text }, position } of history.after("a", {}, positions[999] as number, positions[3999] as number)) {
    if (read.length === 0) expect(position).toBe(positions[1000]);
    read.push(text.split(" ")[0] as string);
  }
  expect(read).toEqual(Array.from({ length: 3000 }, (_, index) => String(1000 + index)));
});

test("lines that were appended after a reader asked are not among its lines", async () => {
  const { history } = open();
  history.append("a", line("before"));
  const until = history.end("a");
  history.append("a", line("after"));
  await history.flush();
  expect((await history.last("a", {}, 10, until)).map((found) => found.line.text)).toEqual(["before"]);
});

test("a disk that does not keep up costs lines, not memory; one that refuses costs a batch and says so", async () => {
  const { history } = open();
  let kept = 0;
  for (let count = 0; count < 50_000; count++) if (history.append("a", line("w".repeat(100))) !== undefined) kept++;
  expect(kept).toBeLessThan(20_000);
  await history.flush();
  expect(history.append("a", line("again"))).toBeDefined();

  const refused = open();
  refused.history.end("a");
  rmSync(join(refused.dir, "a"), { recursive: true });
  writeFileSync(join(refused.dir, "a"), "no folder");
  refused.history.append("a", line("lost"));
  await refused.history.flush();
  expect(refused.failures).toHaveLength(1);
  rmSync(join(refused.dir, "a"));
  mkdirSync(join(refused.dir, "a"));
  refused.history.append("a", line("kept"));
  expect(await texts(refused.history)).toEqual(["kept"]);
});

test("an app that is removed leaves nothing", async () => {
  const { dir, history } = open();
  history.append("a", line("x"));
  await history.remove("a");
  expect(readdirSync(dir)).toEqual([]);
});
