/** What a new user does, step by step and timed: clone, start, push, push again, stop, start again. Runs inside the network of run.ts. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { memoryOf } from "./memory.ts";
import { npmStart } from "./npm-start.ts";
import { changeSite, get, healthy, makeSite, note, printFigures, run, timed } from "./user.ts";

const SECOND_START_MS = 2000;
const SETTLE_MS = 3000;
const API_PORT = 3000;
const ROUTER_PORT = 8080;

const folder = process.argv[2] ?? "";
const source = join(import.meta.dirname, "../..");
const clone = join(folder, "paas");
const app = join(folder, "first");
const appSays = async (): Promise<string> => (await get(ROUTER_PORT, "/", "first.localhost")).body;

try {
  await timed("git clone", () => run("git", ["clone", "--quiet", source, clone], folder));
  assert(!existsSync(join(clone, "node_modules")), "a fresh clone has no node_modules");

  const first = npmStart(clone);
  await timed("first npm start, until the example is live", () => first.says("git push paas main"));
  assert.equal((await get(ROUTER_PORT, "/", "hello-node.localhost")).status, 200, "the example serves");
  const token = /Admin token\s+(\S+)/.exec(first.output())?.[1];
  assert(token, "the first start shows the token");

  await makeSite(app);
  const push = (): Promise<void> => run("git", ["push", `http://paas:${token}@localhost:${API_PORT}/first.git`, "main"], app);
  await timed("first push of an app", push);
  assert.match(await appSays(), /Hello/);
  await changeSite(app, "second");
  await timed("second push, only source changed", push);
  assert.match(await appSays(), /second/);

  await timed("stop (SIGTERM to npm)", async () => assert.equal(await first.stop("SIGTERM"), 0));
  assert.match(await appSays(), /second/, "the router and the dynos go on");

  const second = npmStart(clone);
  const took = await timed("second npm start, until /health is 200", () => healthy(API_PORT));
  assert.match(await appSays(), /second/);
  await second.says("paas is ready");
  await delay(SETTLE_MS);
  for (const { command, mebibytes, anonymous } of memoryOf(clone)) note(`  memory: ${command}`, `${mebibytes.toFixed(1)} MiB, its own pages ${anonymous.toFixed(1)}`);
  await timed("stop (SIGINT to npm), the router too", async () => assert.equal(await second.stop("SIGINT"), 0));
  await assert.rejects(appSays(), "SIGINT stops the router");
  assert(took < SECOND_START_MS, `the second start took ${Math.round(took)} ms, more than ${SECOND_START_MS} (load average ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} cores)`);
} finally {
  printFigures();
}
