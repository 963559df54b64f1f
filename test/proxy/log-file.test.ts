import { execFileSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { accessLine } from "../../proxy/access-log.ts";
import { openLogFile } from "../../proxy/log-file.ts";

let folder = "";
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "router-log-"))));
afterEach(() => rm(folder, { recursive: true }));

describe("the access log", () => {
  it("holds every line, in order, in a file that only its owner reads", async () => {
    const path = join(folder, "access.log");
    const log = openLogFile(path);
    for (let i = 0; i < 10_000; i++) log.add(`line ${i}`);
    await log.close();
    expect(await readFile(path, "utf8")).toBe(Array.from({ length: 10_000 }, (_, i) => `line ${i}\n`).join(""));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("drops and counts what a reader that stands still does not take, and never waits", async () => {
    const path = join(folder, "pipe");
    execFileSync("mkfifo", [path]);
    const reading = createReadStream(path, { highWaterMark: 1_024 });
    const log = openLogFile(path);
    const line = "x".repeat(1_000);
    const added = 12_000;
    for (let i = 0; i < added; i++) {
      log.add(line);
      if (i % 1_000 === 0) await new Promise((resolve) => setTimeout(resolve, 30));
    }
    let kept = 0;
    let dropped = 0;
    const lines = createInterface({ input: reading });
    const closed = log.close();
    for await (const text of lines) {
      if (text === line) kept++;
      else dropped += Number(/^at=warn dropped=(\d+)$/.exec(text)![1]);
    }
    await closed;
    expect(dropped).toBeGreaterThan(0);
    expect(kept + dropped).toBe(added);
  });

  it("is turned over when it is full, so that it holds at most two files", async () => {
    const path = join(folder, "access.log");
    const log = openLogFile(path, 10_000);
    for (let i = 0; i < 15; i++) {
      log.add(`${i} `.padEnd(1_999, "x"));
      // Each by itself: what one batch holds goes into one file.
      await expect.poll(async () => (await Promise.all([path, `${path}.1`].map((name) => readFile(name, "utf8").catch(() => "")))).join(""), { interval: 10 }).toMatch(new RegExp(`^${i} x`, "m"));
    }
    await log.close();
    expect((await readdir(folder)).sort()).toEqual(["access.log", "access.log.1"]);
    const sizes = await Promise.all(["access.log", "access.log.1"].map(async (name) => (await stat(join(folder, name))).size));
    expect(Math.max(...sizes)).toBeLessThan(25_000);
    const both = (await readFile(`${path}.1`, "utf8")) + (await readFile(path, "utf8"));
    expect(both).toMatch(/^14 x+$/m);
  });

  it("keeps one request one line, whatever its path holds", () => {
    const entry = { failure: null, method: "GET", path: '/"\\x', host: "a.test", requestId: "id", forwardedFor: 'a", b', dyno: "web.1", connectMs: 0.4, serviceMs: 5.6, status: 200, bytes: 7, secure: false };
    expect(accessLine(entry)).toBe('at=info method=GET path="/\\"\\\\x" host=a.test request_id=id fwd="a\\", b" dyno=web.1 connect=0ms service=6ms status=200 bytes=7 protocol=http');
    expect(accessLine({ ...entry, secure: true })).toMatch(/ protocol=https$/);
  });
});
