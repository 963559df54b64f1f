/**
 * `npm run bench:connections [connections]`: what an idle keep-alive connection costs the router in memory, and what that many cost a new
 * request in time. Connections, requests and upstream are processes of their own.
 */

import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, mkdtemp, rm } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { createRouterClient } from "../proxy/client.ts";

const CONNECTIONS = Number(process.argv[2] ?? 10_000);
const REQUESTS = 3_000;
const EVERY_MS = 4;
/** Bars of RELIABILITY.md (b) 24. */
const MOST_KB = 20;
const MOST_P99_MS = 100;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const UPSTREAM = "require('http').createServer((q,r)=>r.end('ok')).listen(0,'127.0.0.1',function(){console.log(this.address().port)})";
const folder = await mkdtemp(join(tmpdir(), "bench-connections-"));
const children: ChildProcess[] = [];

try {
  const upstream = run(["-e", UPSTREAM]);
  const upstreamPort = Number(await firstLine(upstream));
  const socket = join(folder, "router.sock");
  const router = run([join(import.meta.dirname, "../proxy/main.ts"), "--port", "0", "--socket", socket, "--snapshot", join(folder, "routes.json"), "--log", join(folder, "router.log")]);
  const { port } = JSON.parse(await firstLine(router)) as { port: number };
  await createRouterClient(socket).switchTo({
    id: "bench", deployment: "1", hosts: ["bench.test"], unavailable: "H10", redirectToTls: false, hstsSeconds: 0, errorPage: "", maintenancePage: "",
    targets: [{ id: "t1", dyno: "web.1", address: "127.0.0.1", port: upstreamPort }],
  });
  // What is compiled while it runs gets the time for it.
  await measure(port);
  const without = await measure(port);
  const before = await residentKb(router.pid!);

  const holder = fork(join(import.meta.dirname, "idle-connections.ts"), [String(port), String(CONNECTIONS)]);
  children.push(holder);
  await once(holder, "message");
  const beside = await measure(port);
  const after = await residentKb(router.pid!);
  holder.send("count");
  const [held] = (await once(holder, "message")) as [number];

  const each = (after - before) / held;
  say(`idle connections held: ${held} of ${CONNECTIONS}`);
  say(`router: ${mb(before)} without, ${mb(after)} with them: ${each.toFixed(1)} KB each (bar: under ${MOST_KB} KB)`);
  say(`a new request on a new connection, without: ${times(without)}`);
  say(`a new request on a new connection, beside:  ${times(beside)} (bar: p99 under ${MOST_P99_MS} ms)`);
  if (held < CONNECTIONS || each >= MOST_KB || beside.p99Ms >= MOST_P99_MS) process.exitCode = 1;
} finally {
  for (const child of children) child.kill("SIGTERM");
  await Promise.all(children.map((child) => child.exitCode !== null || child.signalCode !== null || once(child, "exit")));
  await rm(folder, { recursive: true });
}

type Times = { p50Ms: number; p99Ms: number };

/** New requests at a constant rate, each on a connection of its own. */
async function measure(port: number): Promise<Times> {
  const took: number[] = [];
  const began = performance.now();
  const asked: Promise<void>[] = [];
  for (let i = 0; i < REQUESTS; i++) {
    const due = began + i * EVERY_MS;
    if (due > performance.now()) await sleep(due - performance.now());
    asked.push(ask(port).then((ms) => void took.push(ms)));
  }
  await Promise.all(asked);
  took.sort((a, b) => a - b);
  return { p50Ms: took[Math.floor(took.length * 0.5)]!, p99Ms: took[Math.floor(took.length * 0.99)]! };
}

async function ask(port: number): Promise<number> {
  const began = performance.now();
  const [answer] = await once(get({ port, host: "127.0.0.1", agent: false, headers: { host: "bench.test" } }), "response");
  for await (const _ of answer) void _;
  if (answer.statusCode !== 200) throw new Error(`a request was answered ${answer.statusCode}`);
  return performance.now() - began;
}

/** Of a process and all that it started: the router's workers are processes of their own. */
async function residentKb(pid: number): Promise<number> {
  const own = Number(/VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1]);
  const started = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim();
  const others = await Promise.all(started === "" ? [] : started.split(" ").map((child) => residentKb(Number(child))));
  return others.reduce((sum, kb) => sum + kb, own);
}

function run(args: string[]): ChildProcess {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  return child;
}

async function firstLine(child: ChildProcess): Promise<string> {
  const [line] = (await once(createInterface(child.stdout!), "line")) as [string];
  return line;
}

function mb(kb: number): string {
  return `${(kb / 1024).toFixed(1)} MB`;
}

function times({ p50Ms, p99Ms }: Times): string {
  return `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`;
}
