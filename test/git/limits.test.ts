import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { removeWorkspaces, workspace } from "../support/git-client.ts";
import { startGitServer } from "./git-server.ts";
import { childrenNamed } from "./processes.ts";

const MB = 1 << 20;
const run = promisify(execFile);
/** GIT_TEST_PUSH_MB=200 makes this the campaign before a release. */
const LARGE = Number(process.env.GIT_TEST_PUSH_MB ?? 30) * MB;

afterAll(removeWorkspaces);

test("a large push is taken, and passes through the server without piling up in memory", async () => {
  const server = await startGitServer();
  const client = await workspace();
  let archived = 0;
  server.onDeploy(async ({ source }, _output, signal) => {
    for await (const chunk of source.archive(signal) as AsyncIterable<Buffer>) archived += chunk.length;
    return true;
  });
  const half = LARGE / 2;
  const commit = await client.commit({ one: randomBytes(half), two: randomBytes(half) });
  const before = process.memoryUsage.rss();
  let peak = before;
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20);
  const { code } = await client.push(server.url("large"));
  clearInterval(watch);
  expect(code).toBe(0);
  expect(await server.ref("large", "refs/heads/main")).toBe(commit);
  expect(archived).toBeGreaterThan(LARGE);
  expect(peak - before).toBeLessThan(60 * MB);
  await server.close();
}, 300_000);

test("a push beyond the limit is refused with git's reason, at once, and the server goes on", async () => {
  const server = await startGitServer({ maxPushBytes: MB });
  const client = await workspace();
  await client.commit({ large: randomBytes(8 * MB) });
  const { code, output } = await client.push(server.url("toolarge"));
  expect(code).not.toBe(0);
  expect(output).toContain("pack exceeds maximum allowed size");
  expect(output).toContain("[remote rejected] main -> main (unpacker error)");
  expect(server.deployed).toEqual([]);
  expect(await server.leftovers()).toEqual([]);
  const small = await workspace();
  await small.commit({ small: "1" });
  expect((await small.push(server.url("toolarge"))).code).toBe(0);
  await server.close();
});

test("a full disk rejects the push, leaves nothing and is no trouble once there is room", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "paas-full-"));
  await run("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", dataDir]);
  try {
    const server = await startGitServer({ dataDir });
    const client = await workspace();
    const first = await client.commit({ small: "1" });
    expect((await client.push(server.url("full"))).code).toBe(0);
    await client.commit({ large: randomBytes(12 * MB) });
    const { code, output } = await client.push(server.url("full"));
    expect(code).not.toBe(0);
    expect(output).toMatch(/No space left on device|unpacker error/);
    await eventually("git has ended", () => childrenNamed("git-receive-pack").length === 0);
    expect(await server.leftovers()).toEqual([]);
    expect(server.deployed).toHaveLength(1);
    expect(await server.ref("full", "refs/heads/main")).toBe(first);
    await client.must("reset", "--quiet", "--hard", first);
    const second = await client.commit({ small: "2" });
    expect((await client.push(server.url("full"))).code).toBe(0);
    expect(await server.ref("full", "refs/heads/main")).toBe(second);
    await server.close();
  } finally {
    await run("umount", ["--lazy", dataDir]);
    await rm(dataDir, { recursive: true, force: true });
  }
});
