/**
 * `npm run bench:router [seconds] [rounds]`: CPU per proxied request of this router, nginx, HAProxy and Caddy, one core each, against the same
 * upstream, as ratios to nginx in the same round. Needs root on Debian for the packages, and two cores.
 */

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Figures, type Scenario, measure } from "./router-load.ts";
import { type Peer, hostNames, startCaddy, startCaddyWithoutLog, startHaproxy, startNginx, startRouter, startUpstream, stopPeer } from "./router-peers.ts";

const SECONDS = Number(process.argv[2] ?? 4);
const ROUNDS = Number(process.argv[3] ?? 3);
const WARM_REQUESTS = 50_000;
const WARM_MAX_MS = 20_000;
const ONLY = process.argv[4]?.split(",");

const SCENARIOS: Scenario[] = [
  { name: "GET small, 1 host", path: "/", hosts: 1, connections: 64 },
  { name: "GET small, 100 hosts", path: "/", hosts: 100, connections: 64 },
  { name: "GET small, 10000 hosts", path: "/", hosts: 10_000, connections: 64 },
  { name: "GET 10 KB", path: "/10k", hosts: 1, connections: 64 },
  { name: "GET 1 MB", path: "/1m", hosts: 1, connections: 16 },
  { name: "POST 64 KB", path: "/post", hosts: 1, connections: 32, body: 65_536 },
  { name: "GET new connection", path: "/", hosts: 1, connections: 64, close: true },
];

const run = promisify(execFile);
for (const program of ["nginx", "haproxy", "caddy", "wrk", "taskset"]) await ensure(program);

const folder = await mkdtemp(join(tmpdir(), "bench-router-"));
const upstream = await startUpstream(folder);
try {
  for (const scenario of SCENARIOS.filter(({ name }) => ONLY === undefined || ONLY.some((part) => name.includes(part)))) await compare(scenario);
} finally {
  await stopPeer(upstream);
  await rm(folder, { recursive: true });
}

async function compare(scenario: Scenario): Promise<void> {
  const hosts = hostNames(scenario.hosts);
  const peers: Peer[] = [];
  for (const start of [startRouter, startNginx, startHaproxy, startCaddy, startCaddyWithoutLog]) peers.push(await start(folder, upstream.port, hosts));
  const figures = new Map<string, Figures[]>(peers.map((peer) => [peer.name, []]));
  try {
    for (const peer of peers) await warmUp(peer, scenario);
    for (let round = 0; round < ROUNDS; round++) for (const peer of peers) figures.get(peer.name)!.push(await measure(folder, peer, scenario, SECONDS));
  } finally {
    for (const peer of peers) await stopPeer(peer);
  }
  report(scenario, figures);
}

/** What is compiled while it runs gets the time for it. */
async function warmUp(peer: Peer, scenario: Scenario): Promise<void> {
  let requests = 0;
  const endsAt = performance.now() + WARM_MAX_MS;
  while (requests < WARM_REQUESTS && performance.now() < endsAt) requests += (await measure(folder, peer, scenario, 2)).perSecond * 2;
}

function report(scenario: Scenario, figures: Map<string, Figures[]>): void {
  const nginx = figures.get("nginx")!;
  process.stdout.write(`\n${scenario.name}, ${scenario.connections} connections\n${"".padEnd(10)} CPU µs/req  × nginx   req/s    p50 ms   p99 ms   failed\n`);
  for (const [name, rounds] of figures) {
    const ratio = median(rounds.map((round, i) => round.cpuMicros / nginx[i]!.cpuMicros));
    const of = (pick: (round: Figures) => number): number => median(rounds.map(pick));
    const cells = [of((r) => r.cpuMicros).toFixed(1).padStart(10), ratio.toFixed(2).padStart(9), of((r) => r.perSecond).toFixed(0).padStart(8), of((r) => r.p50Ms).toFixed(2).padStart(9), of((r) => r.p99Ms).toFixed(2).padStart(8), String(rounds.reduce((sum, r) => sum + r.failed, 0)).padStart(8)];
    process.stdout.write(`${name.padEnd(10)} ${cells.join(" ")}\n`);
  }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** Installs a missing program from the distribution's packages, without starting its service. */
async function ensure(program: string): Promise<void> {
  if (await run(program, ["--version"]).then(() => true, (error: NodeJS.ErrnoException) => error.code !== "ENOENT")) return;
  const name = { nginx: "nginx-light", taskset: "util-linux" }[program] ?? program;
  process.stdout.write(`installing ${name} …\n`);
  await run("apt-get", ["install", "-y", "--no-install-recommends", name], { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" } });
}
