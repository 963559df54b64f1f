import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Output } from "../../server/pipeline/output.ts";
import { eventually } from "./eventually.ts";
import { removeWorkspaces, signalGroup, workspace, type Running, type Workspace } from "../support/git-client.ts";
import { startGitServer, type Deploy, type GitServer } from "./git-server.ts";
import { childrenNamed } from "./processes.ts";

/** Long enough for a client that is stopped for half of it, on a busy machine. */
const STALL_MS = 5000;

let server: GitServer;
let client: Workspace;
let app: string;
let url: string;
let count = 0;

beforeAll(async () => {
  server = await startGitServer({ stallMs: STALL_MS, keepAliveSeconds: 1, flushMs: 600_000, maxPendingBytes: 1 << 20 });
});
beforeEach(async () => {
  app = `broken-${++count}`;
  url = server.url(app);
  client = await workspace();
  server.deployed.length = 0;
  server.onDeploy(async () => true);
});
afterEach(async () => {
  await eventually("no git process and no hook is left", () => childrenNamed("git-receive-pack").length + childrenNamed("curl").length === 0, 30_000);
  expect(await server.leftovers()).toEqual([]);
  expect(server.errors.splice(0)).toEqual([]);
});
afterAll(async () => {
  await server.close();
  await removeWorkspaces();
});

/** A deploy that waits for the test, and tells what its signal did. */
function gate(): { deploy: Deploy; open(): void; aborted: Promise<unknown> } {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const { promise: aborted, resolve: abort } = Promise.withResolvers<unknown>();
  return {
    open,
    aborted,
    async deploy(_push, output, signal) {
      signal.addEventListener("abort", () => abort(signal.reason));
      output.write("building\n");
      await Promise.race([opened, aborted]);
      return !signal.aborted;
    },
  };
}

/** 60 MB, which is more than all the buffers between the build and a client that does not read. */
async function flood(output: Output): Promise<void> {
  for (let n = 0; n < 600; n++) {
    output.write(`${"x".repeat(99_999)}\n`);
    await sleep(1);
  }
}

async function pushUntilBuilding(deploy: Deploy): Promise<Running> {
  server.onDeploy(deploy);
  const running = client.start("push", url, "main");
  await running.says("building");
  return running;
}

const branch = (): Promise<string | undefined> => server.ref(app, "refs/heads/main");

test.each(["SIGINT", "SIGKILL"] as const)("%s while it builds only detaches: the build goes on, the branch moves, the next push is up to date", async (signal) => {
  const commit = await client.commit({ a: "1" });
  const { deploy, open } = gate();
  const running = await pushUntilBuilding(deploy);
  signalGroup(running, signal);
  await running.done;
  const refused = await client.push(url);
  expect(refused.output).toContain("another push of this app is running");
  open();
  await eventually("the branch has moved", async () => (await branch()) === commit);
  await eventually("the push has ended", () => childrenNamed("git-receive-pack").length === 0);
  expect((await client.push(url)).output).toContain("Everything up-to-date");
  expect(server.deployed).toHaveLength(1);
});

test.each(["SIGINT", "SIGKILL"] as const)("%s during the upload leaves nothing, and the next push works", async (signal) => {
  const commit = await client.commit({ large: randomBytes(30 << 20) });
  const running = client.start("push", url, "main");
  await eventually("the upload has begun", () => childrenNamed("index-pack").length > 0);
  signalGroup(running, signal);
  await running.done;
  await eventually("receive-pack has ended", () => childrenNamed("git").length === 0);
  expect(await server.leftovers()).toEqual([]);
  expect(server.deployed).toEqual([]);
  expect((await client.push(url)).code).toBe(0);
  expect(await branch()).toBe(commit);
});

test("a client that stops reading does not stop the build, and is dropped when it stays silent", async () => {
  const commit = await client.commit({ a: "1" });
  const { deploy, open } = gate();
  let finished = false;
  const running = await pushUntilBuilding(async (push, output, signal) => {
    const result = await deploy(push, output, signal);
    await flood(output);
    finished = true;
    return result;
  });
  signalGroup(running, "SIGSTOP");
  open();
  await eventually("the build has ended", () => finished);
  await eventually("the branch has moved", async () => (await branch()) === commit, 3 * STALL_MS + 5000);
  signalGroup(running, "SIGKILL");
  await running.done;
});

test("a client that stops reading after the verdict is let go, long before it counts as dead", async () => {
  const patient = await startGitServer({ stallMs: 600_000, flushMs: 200, maxPendingBytes: 1 << 20 });
  const commit = await client.commit({ a: "1" });
  const { deploy, open } = gate();
  patient.onDeploy(async (push, output, signal) => {
    const result = await deploy(push, output, signal);
    await flood(output);
    return result;
  });
  const running = client.start("push", patient.url("letgo"), "main");
  await running.says("building");
  signalGroup(running, "SIGSTOP");
  open();
  await eventually("the branch has moved", async () => (await patient.ref("letgo", "refs/heads/main")) === commit);
  signalGroup(running, "SIGKILL");
  await running.done;
  await patient.close();
});

test("what a slow client missed is named when it reads on", async () => {
  const patient = await startGitServer({ stallMs: 600_000, flushMs: 600_000, maxPendingBytes: 1 << 20 });
  await client.commit({ a: "1" });
  const { deploy, open } = gate();
  const { promise: flooded, resolve: end } = Promise.withResolvers<void>();
  patient.onDeploy(async (push, output, signal) => {
    const result = await deploy(push, output, signal);
    await flood(output).then(end);
    return result;
  });
  const running = client.start("push", patient.url("slow"), "main");
  await running.says("building");
  signalGroup(running, "SIGSTOP");
  open();
  await flooded;
  signalGroup(running, "SIGCONT");
  const { code, output } = await running.done;
  expect(code, output.slice(-500)).toBe(0);
  expect(output).toMatch(/remote:  !     \d+ bytes of output were left out: your connection is too slow for them\./);
  await patient.close();
});

test("a build that says nothing for longer than the stall time-out is not taken for dead", async () => {
  await client.commit({ a: "1" });
  server.onDeploy(async () => {
    await sleep(STALL_MS * 2);
    return true;
  });
  expect((await client.push(url)).code).toBe(0);
});

test("when receive-pack is killed, the build is told, the client fails at once and the next push works", async () => {
  const commit = await client.commit({ a: "1" });
  const { deploy, aborted } = gate();
  const running = await pushUntilBuilding(deploy);
  for (const { pid } of childrenNamed("git-receive-pack")) process.kill(pid, "SIGKILL");
  expect(await aborted).toMatchObject({ message: expect.stringMatching(/broken off/) });
  const { code } = await running.done;
  expect(code).not.toBe(0);
  expect(await branch()).toBeUndefined();
  await eventually("the quarantine is gone", async () => (await server.leftovers()).length === 0);
  server.onDeploy(async () => true);
  expect((await client.push(url)).code).toBe(0);
  expect(await branch()).toBe(commit);
});

test("when the hook is killed, the build is told and the push is declined", async () => {
  await client.commit({ a: "1" });
  const { deploy, aborted } = gate();
  const running = await pushUntilBuilding(deploy);
  for (const { pid } of childrenNamed("curl")) process.kill(pid, "SIGKILL");
  expect(await aborted).toMatchObject({ message: expect.stringMatching(/broken off/) });
  const { code, output } = await running.done;
  expect(code).not.toBe(0);
  expect(output).toContain("pre-receive hook");
  expect(await branch()).toBeUndefined();
});

test("a released commit that the branch could not take is logged", async () => {
  const commit = await client.commit({ a: "1" });
  server.onDeploy(async () => {
    for (const { pid } of childrenNamed("git-receive-pack")) process.kill(pid, "SIGKILL");
    return true;
  });
  const { code } = await client.push(url);
  expect(code).not.toBe(0);
  await eventually("it is logged", () => server.errors.length > 0);
  expect(server.errors.splice(0)).toMatchObject([{ msg: "the branch does not point at what was released", app, released: commit, ref: null }]);
});

test("a client that is never heard of again in the middle of an upload is dropped", async () => {
  await client.commit({ large: randomBytes(30 << 20) });
  const running = client.start("push", url, "main");
  await eventually("the upload has begun", () => childrenNamed("index-pack").length > 0);
  signalGroup(running, "SIGSTOP");
  await eventually("receive-pack has ended", () => childrenNamed("git-receive-pack").length === 0, 3 * STALL_MS);
  signalGroup(running, "SIGKILL");
  await once(running.child, "close");
  expect(server.deployed).toEqual([]);
});
