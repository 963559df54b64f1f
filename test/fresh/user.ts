/** What a user has at hand: git, a browser, a watch. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const IDENTITY = ["-c", "user.name=Fresh", "-c", "user.email=fresh@localhost"];
const figures: [what: string, figure: string][] = [];

/** Runs a task and remembers how long it took. Returns milliseconds. */
export async function timed(what: string, task: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await task();
  const took = performance.now() - started;
  note(what, `${(took / 1000).toFixed(2)} s`);
  return took;
}

/** Remembers a figure. */
export function note(what: string, figure: string): void {
  figures.push([what, figure]);
}

/** Prints all that was remembered. */
export function printFigures(): void {
  for (const [what, figure] of figures) console.log(`${what.padEnd(72)} ${figure}`);
}

/** Makes a repository with a static site in it. */
export async function makeSite(folder: string): Promise<void> {
  mkdirSync(folder);
  writeFileSync(join(folder, "index.html"), "<h1>Hello</h1>\n");
  await run("git", ["init", "--quiet", "--initial-branch=main"], folder);
  await run("git", ["add", "--all"], folder);
  await run("git", [...IDENTITY, "commit", "--quiet", "--message", "First"], folder);
}

/** Commits one more line on the page. */
export async function changeSite(folder: string, line: string): Promise<void> {
  appendFileSync(join(folder, "index.html"), `<p>${line}</p>\n`);
  await run("git", [...IDENTITY, "commit", "--quiet", "--all", "--message", line], folder);
}

/** Runs a command to its end, its output shown. @throws AssertionError when it fails. */
export async function run(file: string, args: string[], cwd: string, env: Record<string, string> = {}): Promise<void> {
  const child = spawn(file, args, { cwd, stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, ...env } });
  const [code] = (await once(child, "exit")) as [number | null];
  assert.equal(code, 0, `${file} ${args.slice(0, 2).join(" ")} ended with ${code}`);
}

/** GET on loopback, with a Host of one's choice. */
export function get(port: number, path: string, host: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, headers: { host }, agent: false, timeout: 30_000 }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (body += chunk)).on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asked.on("error", reject).on("timeout", () => asked.destroy(new Error("no answer within 30 s"))).end();
  });
}

/** Resolves when the control plane says that it is ready. @throws AssertionError after a minute. */
export async function healthy(apiPort: number): Promise<void> {
  const until = performance.now() + 60_000;
  while ((await get(apiPort, "/health", "localhost").catch(() => undefined))?.status !== 200) {
    assert(performance.now() < until, "the control plane is not ready within a minute");
    await delay(10);
  }
}
