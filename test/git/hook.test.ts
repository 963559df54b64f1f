import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { accessSync } from "node:fs";
import pino from "pino";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { createHookServer } from "../../server/git/hook-server.ts";
import { CLIENT_ENVIRONMENT, removeWorkspaces, workspace } from "../support/git-client.ts";
import { startGitServer } from "./git-server.ts";

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "paas-hook-"));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});
afterAll(removeWorkspaces);

type Decide = Parameters<typeof createHookServer>[0]["decide"];

const hookServer = (decide: Decide) =>
  createHookServer({ socketPath: join(dir, "hook.sock"), hooksDir: join(dir, "hooks"), log: pino({ level: "silent" }), decide, maxPendingBytes: 1 << 20, flushMs: 1000, letGo: () => {} });

/** Runs the hook as git does. */
async function runHook(input = "a b refs/heads/main\n"): Promise<{ code: number | null; output: string }> {
  const hook = spawn(join(dir, "hooks/pre-receive"), { env: CLIENT_ENVIRONMENT, stdio: ["pipe", "pipe", "pipe"] });
  hook.stdin.on("error", () => {});
  hook.stdin.end(input);
  let output = "";
  hook.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  hook.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(hook, "close")) as [number | null];
  return { code, output };
}

test("the hook's verdict is the server's, and its output is what the server says", async () => {
  let verdict = true;
  const calls: unknown[] = [];
  const server = hookServer(async (call, output) => {
    calls.push(call.updates);
    output.write("hello\n");
    return verdict;
  });
  await server.start();
  expect(await runHook("a b refs/heads/main\nc d refs/heads/ä\n")).toEqual({ code: 0, output: "hello\n" });
  expect(calls).toEqual([[{ before: "a", after: "b", ref: "refs/heads/main" }, { before: "c", after: "d", ref: "refs/heads/ä" }]]);
  verdict = false;
  const declined = await runHook();
  expect(declined.code).not.toBe(0);
  expect(declined.output).toBe("hello\n");
  await server.stop();
});

test("a server that throws declines and shows nothing of the inside", async () => {
  const server = hookServer(async () => {
    throw new Error("secret inside");
  });
  await server.start();
  const { code, output } = await runHook();
  expect(code).not.toBe(0);
  expect(output).toContain("Push rejected, the server failed");
  expect(output).not.toContain("secret");
  await server.stop();
});

test("a stop declines what still waits", async () => {
  const { promise: called, resolve: call } = Promise.withResolvers<void>();
  const server = hookServer((_call, output) => {
    output.write("waiting\n");
    call();
    return new Promise(() => {});
  });
  await server.start();
  const running = runHook();
  await called;
  await server.stop();
  expect((await running).code).not.toBe(0);
  expect((await runHook()).code, "with the socket gone").not.toBe(0);
});

const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const ANSWERS: Record<string, string> = {
  "nothing": "",
  "an error of HTTP": "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
  "a time-out of Node": "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n",
  "a bad request of Node": "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
  "headers alone": CHUNKED,
  "output without an end": `${CHUNKED}6\r\nhello\n\r\n`,
  "half a chunk": `${CHUNKED}ff\r\nhello\n`,
  "garbage": "no HTTP at all",
};

test.each(Object.keys(ANSWERS))("a server that answers %s declines", async (kind) => {
  const real = hookServer(async () => true);
  await real.start();
  await real.stop();
  const server = createServer((socket: Socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(ANSWERS[kind] ?? ""));
  });
  await new Promise<void>((resolve) => server.listen(join(dir, "hook.sock"), resolve));
  expect((await runHook()).code).not.toBe(0);
  server.close();
});

test("without curl on the path nothing can be pushed", async () => {
  const server = await startGitServer();
  const client = await workspace();
  await client.commit({ a: "1" });
  const path = process.env.PATH ?? "";
  try {
    for (const program of ["git", "git-receive-pack", "sh"]) await symlink(find(program, path), join(dir, program));
    process.env.PATH = dir;
    const { code, output } = await client.push(server.url("nocurl"));
    expect(code).not.toBe(0);
    expect(output).toContain("curl: not found");
    expect(server.deployed).toEqual([]);
    expect(await server.ref("nocurl", "refs/heads/main")).toBeUndefined();
    await expect(server.git.start()).rejects.toThrow("curl is needed to receive pushes");
  } finally {
    process.env.PATH = path;
    await server.close();
  }
});

function find(program: string, path: string): string {
  const found = path.split(delimiter).map((folder) => join(folder, program)).find((file) => {
    try {
      accessSync(file);
      return true;
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`${program} is not on the path`);
  return found;
}
