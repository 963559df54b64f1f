/** One measurement: wrk on one core for some seconds, and the CPU time that the proxy took meanwhile. */

import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Peer } from "./router-peers.ts";

export type Scenario = { name: string; path: string; hosts: number; connections: number; body?: number; close?: boolean };
export type Figures = { cpuMicros: number; perSecond: number; p50Ms: number; p99Ms: number; failed: number };

const TICK_MICROS = 10_000;

export async function measure(folder: string, peer: Peer, scenario: Scenario, seconds: number): Promise<Figures> {
  const script = join(folder, `${scenario.name.replaceAll(/\W+/g, "-")}.lua`);
  await writeFile(script, lua(scenario));
  const before = await cpuMicros(peer.pids);
  const args = ["-c", "1", "wrk", "-t1", `-c${scenario.connections}`, `-d${seconds}s`, "--latency", "--timeout", "10s", "-s", script, `http://127.0.0.1:${peer.port}${scenario.path}`];
  const { stdout } = await promisify(execFile)("taskset", args);
  const used = (await cpuMicros(peer.pids)) - before;
  const [, requests, failed, p50, p99, micros] = /FIGURES (\d+) (\d+) (\d+) (\d+) (\d+)/.exec(stdout) ?? [];
  if (requests === undefined) throw new Error(stdout);
  return {
    cpuMicros: used / Number(requests), perSecond: (Number(requests) / Number(micros)) * 1e6,
    p50Ms: Number(p50) / 1_000, p99Ms: Number(p99) / 1_000, failed: Number(failed),
  };
}

/** User and system time of processes (proc(5), /proc/pid/stat). */
async function cpuMicros(pids: number[]): Promise<number> {
  const used = await Promise.all(pids.map(async (pid) => {
    const text = await readFile(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * TICK_MICROS;
  }));
  return used.reduce((sum, one) => sum + one, 0);
}

function lua({ hosts, body, close, path }: Scenario): string {
  const headers = close === true ? `["Connection"] = "close"` : "";
  return `
local n = 0
local bodies = ${body === undefined ? "nil" : `string.rep("x", ${body})`}
local ready = {}
init = function(args)
  for i = 0, ${Math.min(hosts, 10_000) - 1} do
    ready[i] = wrk.format("${body === undefined ? "GET" : "POST"}", "${path}", { ["Host"] = "app-" .. i .. ".bench.test", ${headers} }, bodies)
  end
end
request = function()
  n = (n + 7919) % ${hosts}
  return ready[n]
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("FIGURES %d %d %d %d %d\\n", summary.requests, e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99), summary.duration))
end
`;
}
