import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { removeWorkspaces, workspace, type Workspace } from "../support/git-client.ts";
import { startGitServer, TOKENS, type GitServer } from "./git-server.ts";
import { childrenNamed } from "./processes.ts";

let folder: string;
let dataDir: string;
let client: Workspace;
const open: GitServer[] = [];

const start = async (options: Parameters<typeof startGitServer>[0] = {}): Promise<GitServer> => {
  const server = await startGitServer({ dataDir, ...options });
  open.push(server);
  return server;
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "paas-git-"));
  dataDir = folder;
  client = await workspace();
  await client.commit({ a: "1" });
});
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
  expect(childrenNamed("git-receive-pack")).toEqual([]);
  expect(childrenNamed("curl")).toEqual([]);
  await rm(folder, { recursive: true, force: true });
});
afterAll(removeWorkspaces);

test("a server that is killed while it builds declines the push, and the next server starts clean", async () => {
  const child = spawn(process.execPath, [fileURLToPath(new URL("server-process.ts", import.meta.url)), dataDir], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const running = client.start("push", `http://paas:${TOKENS.alice}@127.0.0.1:${Number(line.toString())}/killed.git`, "main");
  await running.says("building");
  const processes = childrenNamed(dataDir).filter(({ pid }) => pid !== child.pid);
  expect(processes.length).toBeGreaterThan(0);
  child.kill("SIGKILL");
  const { code } = await running.done;
  expect(code).not.toBe(0);
  const alive = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  await eventually("its hook and receive-pack have ended", () => !processes.some(({ pid }) => alive(pid)));

  const server = await start();
  expect(await server.leftovers()).toEqual([]);
  expect(await server.ref("killed", "refs/heads/main")).toBeUndefined();
  expect((await client.push(server.url("killed"))).code).toBe(0);
});

test("quarantines, locks and half-made repositories of a crash are gone after the start", async () => {
  const first = await start();
  await client.push(first.url("crashed"));
  await first.close();
  open.length = 0;
  const repository = first.repository("crashed");
  await mkdir(join(repository, "objects/tmp_objdir-incoming-abc/pack"), { recursive: true });
  for (const lock of ["HEAD.lock", "packed-refs.lock", "shallow.lock", "refs/heads/main.lock"]) await writeFile(join(repository, lock), "");
  await mkdir(join(dataDir, "repositories/.new-abc/objects"), { recursive: true });
  const second = await start();
  expect(await second.leftovers()).toEqual([]);
  second.apps.set("crashed", { id: "id-of-crashed", name: "crashed", ownerId: "id-of-alice", createdAt: "", updatedAt: "" });
  const commit = await client.commit({ a: "2" });
  expect((await client.push(second.url("crashed"))).code).toBe(0);
  expect(await second.ref("crashed", "refs/heads/main")).toBe(commit);
});

test("a stop lets a running build end within the grace time, and takes no new push meanwhile", async () => {
  const server = await start();
  const { promise: blocked, resolve: unblock } = Promise.withResolvers<void>();
  server.onDeploy(async (_push, output) => {
    output.write("building\n");
    await blocked;
    return true;
  });
  const running = client.start("push", server.url("stopped"), "main");
  await running.says("building");
  const stopped = server.git.stop(60_000);
  const late = await client.push(server.url("late"));
  expect(late.code).not.toBe(0);
  expect(late.output).toContain("remote: The server is stopping. Push again in a moment.");
  unblock();
  expect((await running.done).code).toBe(0);
  await stopped;
  expect(await server.ref("stopped", "refs/heads/main")).toBeDefined();
});

test("a stop declines builds that outlast the grace time, and says why", async () => {
  const server = await start();
  server.onDeploy(async (_push, output, signal) => {
    output.write("building\n");
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return false;
  });
  const running = client.start("push", server.url("stopped"), "main");
  await running.says("building");
  await server.git.stop(100);
  const { code, output } = await running.done;
  expect(code).not.toBe(0);
  expect(output).toContain("remote:  !     Push rejected, the server is stopping. What ran before still serves; push again in a moment.");
  expect(await server.leftovers()).toEqual([]);
});

test("a stop ends pushes whose build does not obey", async () => {
  const server = await start({ lastWordsMs: 200 });
  const { promise: released, resolve: release } = Promise.withResolvers<boolean>();
  server.onDeploy((_push, output) => {
    output.write("building\n");
    return released;
  });
  const running = client.start("push", server.url("stopped"), "main");
  await running.says("building");
  await server.git.stop(100);
  expect((await running.done).code).not.toBe(0);
  release(false);
  await eventually("the quarantine is gone", async () => (await server.leftovers()).length === 0);
});

test("packs are joined when enough have come, never while something is received", async () => {
  const server = await start({ packsBeforeGc: 4 });
  const url = server.url("packed");
  const packs = async (): Promise<number> => (await readdir(join(server.repository("packed"), "objects/pack"))).filter((name) => name.endsWith(".pack")).length;
  for (const [n, expected] of [[1, 1], [2, 2], [3, 3]] as const) {
    await client.commit({ n: String(n) });
    await client.push(url);
    expect(await packs()).toBe(expected);
  }
  await client.commit({ n: "4" });
  await client.push(url);
  await eventually("packs were joined", async () => (await packs()) === 1);
  const { promise: blocked, resolve: unblock } = Promise.withResolvers<void>();
  server.onDeploy(async (_push, output) => {
    output.write("building\n");
    await blocked;
    return true;
  });
  const commit = await client.commit({ n: "5" });
  const running = client.start("push", url, "main");
  await running.says("building");
  expect(await server.git.gc("id-of-packed")).toBe(false);
  unblock();
  expect((await running.done).code).toBe(0);
  await eventually("the push has ended", () => childrenNamed("git-receive-pack").length === 0);
  const [collected, pushed] = await Promise.all([server.git.gc("id-of-packed"), client.push(url, "main:dev")]);
  expect([collected, pushed.code]).toEqual([true, 0]);
  expect(await server.ref("packed", "refs/heads/main")).toBe(commit);
  const clone = await workspace({ init: false });
  await clone.must("clone", "--quiet", url, ".");
  await clone.must("fsck");
});

test("removing an app's repository ends its pushes and deletes everything", async () => {
  const server = await start();
  server.onDeploy(async (_push, output, signal) => {
    output.write("building\n");
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return false;
  });
  const running = client.start("push", server.url("removed"), "main");
  await running.says("building");
  await server.git.removeRepository("id-of-removed");
  expect((await running.done).code).not.toBe(0);
  expect(await readdir(join(dataDir, "repositories"))).toEqual([".empty.git"]);
  await server.git.removeRepository("id-of-removed");
});

test("a data folder whose path does not fit a unix socket is named at the start", async () => {
  dataDir = join(dataDir, "x".repeat(100));
  await mkdir(dataDir);
  await expect(start()).rejects.toThrow(/path is too long.*PAAS_DATA_DIR/);
});

test("a data folder with blanks, quotes and colons in its path works", async () => {
  dataDir = join(dataDir, `it's "a: b\\`);
  await mkdir(dataDir);
  const server = await start();
  server.onDeploy(async ({ source }, output) => {
    output.write(`a=${(await source.readFile("a", 10))?.toString()}\n`);
    return true;
  });
  const { code, output } = await client.push(server.url("odd"));
  expect(output).toContain("a=1");
  expect(code).toBe(0);
});

test("a process's own git settings do not reach the server's git", async () => {
  process.env.GIT_DIR = "/nonexistent";
  process.env.GIT_CONFIG_COUNT = "1";
  process.env.GIT_CONFIG_KEY_0 = "core.hooksPath";
  process.env.GIT_CONFIG_VALUE_0 = "/nonexistent";
  const server = await start();
  expect((await client.push(server.url("clean"))).code).toBe(0);
  expect(server.deployed).toHaveLength(1);
  expect(process.env.GIT_DIR).toBeUndefined();
});
