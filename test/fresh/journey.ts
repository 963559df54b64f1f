/** What a new user does, step by step and timed: clone, start, push, push again, stop, start again. Runs inside the network of run.ts. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { memoryOf } from "./memory.ts";
import { npmStart } from "./npm-start.ts";

const SECOND_START_MS = 2000;
const SETTLE_MS = 3000;
const API_PORT = 3000;
const ROUTER_PORT = 8080;
const IDENTITY = ["-c", "user.name=Fresh", "-c", "user.email=fresh@localhost"];

const folder = process.argv[2] ?? "";
const source = join(import.meta.dirname, "../..");
const clone = join(folder, "paas");
const app = join(folder, "first");
const figures: [what: string, figure: string][] = [];

try {
  await timed("git clone", () => git(folder, "clone", "--quiet", source, clone));
  assert(!existsSync(join(clone, "node_modules")), "a fresh clone has no node_modules");

  const first = npmStart(clone);
  await timed("first npm start, until the example is live", () => first.says("git push paas main"));
  assert.equal((await get(ROUTER_PORT, "/", "hello-node.localhost")).status, 200, "the example serves");
  const token = /Admin token\s+(\S+)/.exec(first.output())?.[1];
  assert(token, "the first start shows the token");

  await makeApp();
  const push = ["push", `http://paas:${token}@localhost:${API_PORT}/first.git`, "main"];
  await timed("first push of an app", () => git(app, ...push));
  assert.match((await get(ROUTER_PORT, "/", "first.localhost")).body, /Hello/);
  appendFileSync(join(app, "index.html"), "<p>second</p>\n");
  await git(app, ...IDENTITY, "commit", "--quiet", "--all", "--message", "Second");
  await timed("second push, only source changed", () => git(app, ...push));
  assert.match((await get(ROUTER_PORT, "/", "first.localhost")).body, /second/);

  let code: number | null = null;
  await timed("stop (SIGTERM to npm)", async () => (code = await first.stop("SIGTERM")));
  figures.push(["  exit code", String(code)]);
  assert.match((await get(ROUTER_PORT, "/", "first.localhost")).body, /second/, "the router and the dynos go on");

  const second = npmStart(clone);
  const took = await timed("second npm start, until /health is 200", healthy);
  assert.match((await get(ROUTER_PORT, "/", "first.localhost")).body, /second/);
  await second.says("paas is ready");
  await delay(SETTLE_MS);
  for (const { command, mebibytes } of memoryOf(clone)) figures.push([`  memory: ${command}`, `${mebibytes.toFixed(1)} MiB`]);
  await timed("stop (SIGINT to npm), the router too", () => second.stop("SIGINT"));
  await assert.rejects(get(ROUTER_PORT, "/", "first.localhost"), "SIGINT stops the router");
  assert(took < SECOND_START_MS, `the second start took ${Math.round(took)} ms, more than ${SECOND_START_MS}`);
} finally {
  for (const [what, figure] of figures) console.log(`${what.padEnd(72)} ${figure}`);
}

async function makeApp(): Promise<void> {
  mkdirSync(app);
  writeFileSync(join(app, "index.html"), "<h1>Hello</h1>\n");
  await git(app, "init", "--quiet", "--initial-branch=main");
  await git(app, "add", "--all");
  await git(app, ...IDENTITY, "commit", "--quiet", "--message", "First");
}

async function timed(what: string, task: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await task();
  const took = performance.now() - started;
  figures.push([what, `${(took / 1000).toFixed(2)} s`]);
  return took;
}

async function git(cwd: string, ...args: string[]): Promise<void> {
  const child = spawn("git", args, { cwd, stdio: ["ignore", "inherit", "inherit"] });
  const [code] = (await once(child, "exit")) as [number | null];
  assert.equal(code, 0, `git ${args[0]} ended with ${code}`);
}

async function healthy(): Promise<void> {
  const until = performance.now() + 60_000;
  while ((await get(API_PORT, "/health", "localhost").catch(() => undefined))?.status !== 200) {
    assert(performance.now() < until, "the control plane is not ready within a minute");
    await delay(10);
  }
}

function get(port: number, path: string, host: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, path, headers: { host }, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (body += chunk)).on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    }).on("error", reject).end();
  });
}
