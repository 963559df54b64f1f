import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { removeWorkspaces, startGit, workspace, type Workspace } from "../support/git-client.ts";
import { overload } from "../support/overload.ts";
import { startGitServer, type GitServer } from "./git-server.ts";
import { childrenNamed } from "./processes.ts";
import { ALICE, answerOf, head, open, packet, raw } from "./raw-request.ts";

const ZERO = "0".repeat(40);

let server: GitServer;
let client: Workspace;
let tip: string;
const uncaught: unknown[] = [];
const onUncaught = (error: unknown): void => void uncaught.push(error);

beforeAll(async () => {
  process.on("uncaughtExceptionMonitor", onUncaught);
  server = await startGitServer();
  client = await workspace();
  tip = await client.commit({ a: "1" });
  await client.push(server.url("target"));
});
beforeEach(() => {
  server.deployed.length = 0;
});
afterEach(async () => {
  await eventually("no git process is left", () => childrenNamed("git-").length === 0);
  expect(await server.leftovers()).toEqual([]);
  expect(uncaught).toEqual([]);
});
afterAll(async () => {
  await server.close();
  await removeWorkspaces();
  process.off("uncaughtExceptionMonitor", onUncaught);
});

const RECEIVE = "/target.git/git-receive-pack";
const UPLOAD = "/target.git/git-upload-pack";
/** Asks to delete a branch that does not exist: a whole, small push. */
const COMMANDS = `${packet(`${"1".repeat(40)} ${ZERO} refs/heads/gone\0 report-status`)}0000`;

const post = (path: string, body: Buffer | string, headers: Record<string, string> = {}) => raw(server.port, { method: "POST", path, headers: { ...ALICE, ...headers }, body });

test.each([RECEIVE, UPLOAD])("a body that is not the gzip it claims to be is refused: %s", async (path) => {
  const { status, body } = await post(path, "no gzip at all", { "content-encoding": "gzip" });
  expect(status).toBe(400);
  expect(body.toString()).toBe("The body is not what its Content-Encoding says.\n");
});

test("a gzip body that breaks off is refused", async () => {
  const whole = gzipSync(COMMANDS);
  expect((await post(RECEIVE, whole.subarray(0, whole.length - 10), { "content-encoding": "gzip" })).status).not.toBe(500);
});

test("a gzip body is understood for pushes too", async () => {
  const { status, body } = await post(RECEIVE, gzipSync(COMMANDS), { "content-encoding": "x-gzip" });
  expect(status).toBe(200);
  expect(body.toString()).toContain("unpack ok");
});

test.each(["deflate", "deflate, gzip", "br", "zstd", "x"])("Content-Encoding %s is refused at once", async (coding) => {
  const { status, body } = await post(RECEIVE, COMMANDS, { "content-encoding": coding });
  expect([status, body.toString()]).toEqual([415, "Content-Encoding: only gzip is understood.\n"]);
});

test("a gzip bomb is refused at the limit of a fetch and costs no memory", async () => {
  const bomb = gzipSync(Buffer.alloc(256 << 20));
  const before = process.memoryUsage.rss();
  const { status } = await post(UPLOAD, bomb, { "content-encoding": "gzip" });
  expect([400, 413]).toContain(status);
  expect(process.memoryUsage.rss() - before).toBeLessThan(100 << 20);
});

test("a fetch whose wants never end is refused at the limit", async () => {
  const wants = Buffer.from(packet(`want ${tip} \n`).repeat(1000));
  const bomb = gzipSync(Buffer.concat(Array.from({ length: 400 }, () => wants)), { level: 1 });
  const { status, body } = await post(UPLOAD, bomb, { "content-encoding": "gzip" });
  expect([status, body.toString()]).toEqual([413, "The request is too large.\n"]);
});

test("a body that is garbage ends in an error of git, not of the server", async () => {
  for (const body of ["", "x", "garbage garbage", "\0\0\0\0", "ffff", "-001", packet("nonsense")]) {
    await post(RECEIVE, body);
    await post(UPLOAD, body);
  }
  expect((await post(RECEIVE, "0000")).status).toBe(200);
  expect(server.deployed).toEqual([]);
});

test("64 KiB of hexadecimal digits do not block the server", async () => {
  const began = Date.now();
  const lag = measureLag();
  await post(RECEIVE, "a1".repeat(32 << 10));
  expect(await lag()).toBeLessThan(4000 * overload());
  expect(Date.now() - began).toBeLessThan(8000 * overload());
});

test("a command list that arrives byte by byte works", async () => {
  const socket = open(server.port);
  socket.write(head({ method: "POST", path: RECEIVE, headers: ALICE }, COMMANDS.length));
  for (const byte of COMMANDS) {
    socket.write(byte);
    await sleep(2);
  }
  const { status, body } = await answerOf(socket);
  expect(status).toBe(200);
  expect(body.toString()).toContain("unpack ok");
});

test("Expect: 100-continue and a chunked body work", async () => {
  const socket = open(server.port);
  socket.write(head({ method: "POST", path: RECEIVE, headers: { ...ALICE, expect: "100-continue", "transfer-encoding": "chunked" } }, 0).replace(/content-length: 0\r\n/, ""));
  const [first] = (await once(socket, "data")) as [Buffer];
  expect(first.toString()).toContain("100 Continue");
  socket.write(`${COMMANDS.length.toString(16)}\r\n${COMMANDS}\r\n0\r\n\r\n`);
  expect((await answerOf(socket)).status).toBe(200);
});

test.each([1, 5, COMMANDS.length - 1])("a client that goes away after %d bytes leaves nothing", async (bytes) => {
  const socket = open(server.port);
  socket.write(head({ method: "POST", path: RECEIVE, headers: ALICE }, COMMANDS.length));
  socket.write(COMMANDS.slice(0, bytes));
  await eventually("git runs", () => childrenNamed("git-receive-pack").length > 0);
  socket.resetAndDestroy();
  await eventually("git has ended", () => childrenNamed("git-receive-pack").length === 0);
});

test("a client that goes away in the middle of a gzip body leaves nothing", async () => {
  const socket = open(server.port);
  const body = gzipSync(COMMANDS);
  socket.write(head({ method: "POST", path: RECEIVE, headers: { ...ALICE, "content-encoding": "gzip" } }, body.length));
  socket.write(body.subarray(0, body.length - 20));
  await eventually("git runs", () => childrenNamed("git-receive-pack").length > 0);
  socket.resetAndDestroy();
  await eventually("git has ended", () => childrenNamed("git-receive-pack").length === 0);
});

test("a client that goes away without reading the refs leaves nothing", async () => {
  for (let n = 0; n < 20; n++) {
    const socket = open(server.port);
    socket.write(head({ path: "/target.git/info/refs?service=git-upload-pack", headers: ALICE }, 0));
    await once(socket, "connect");
    socket.resetAndDestroy();
  }
});

test.each(["version=2", "version=2; x=", "version=2:object-format=sha256", "x".repeat(60)])("Git-Protocol: %s changes nothing", async (protocol) => {
  const { status, body } = await raw(server.port, { path: "/target.git/info/refs?service=git-upload-pack", headers: { ...ALICE, "git-protocol": protocol } });
  expect(status).toBe(200);
  expect(body.toString()).toContain(tip);
  // A fetch command of protocol 2, which the server never offered.
  await post(UPLOAD, `${packet("command=ls-refs\n")}00010000`, { "git-protocol": protocol });
});

test("odd content types are no way around", async () => {
  for (const type of ["application/json", "text/plain", "x", "multipart/form-data", ";;;", ""]) {
    const { status } = await post(RECEIVE, COMMANDS, { "content-type": type });
    expect([200, 400, 415], type).toContain(status);
    const anonymous = await raw(server.port, { method: "POST", path: RECEIVE, headers: { "content-type": type }, body: COMMANDS });
    expect(anonymous.status, type).toBe(401);
  }
});

test("a push of more than 1 MB, before which git sends an empty probe, is one deploy", async () => {
  const commit = await client.commit({ large: Buffer.alloc(3 << 20, "random enough") });
  const { output } = await startGit(client.dir, ["push", server.url("target"), "main"], { GIT_CURL_VERBOSE: "1" }).done;
  expect(output).toContain("Content-Length: 4");
  expect(output).toContain("Transfer-Encoding: chunked");
  expect(server.deployed.map(({ source }) => source.commit)).toEqual([commit]);
});

test("a client of another hash is told so", async () => {
  const other = await workspace({ init: false });
  await other.must("init", "--quiet", "-b", "main", "--object-format=sha256");
  await other.commit({ a: "1" });
  const { code, output } = await other.push(server.url("target"), "main:other");
  expect(code).not.toBe(0);
  expect(output).toContain("hash algorithm");
});

test("without a free file descriptor requests are refused and the server lives", async () => {
  const taken: number[] = [];
  const sockets = Array.from({ length: 3 }, () => open(server.port));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  await raw(server.port, { path: "/nothing" });
  try {
    for (;;) taken.push(openSync("/dev/null", "r"));
  } catch {
    // all are taken now
  }
  for (const descriptor of taken.splice(-4)) closeSync(descriptor);
  try {
    const paths = [RECEIVE, UPLOAD, "/target.git/info/refs?service=git-upload-pack"];
    const answers = sockets.map((socket, index) => {
      const path = paths[index] as string;
      const method = index < 2 ? "POST" : "GET";
      socket.write(head({ method, path, headers: ALICE }, method === "POST" ? 4 : 0) + (method === "POST" ? "0000" : ""));
      return answerOf(socket);
    });
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([503, 503, 503]);
  } finally {
    for (const descriptor of taken) closeSync(descriptor);
  }
  expect(server.errors.splice(0).length).toBeGreaterThan(0);
  await client.commit({ a: "after" });
  expect((await client.push(server.url("target"))).code).toBe(0);
});

/** @returns a function that ends the measuring and gives the longest time in which no timer ran. */
function measureLag(): () => Promise<number> {
  let worst = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    worst = Math.max(worst, performance.now() - last);
    last = performance.now();
  }, 5);
  return async () => {
    await sleep(20);
    clearInterval(timer);
    return worst;
  };
}
