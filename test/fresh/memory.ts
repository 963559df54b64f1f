/** Memory as the kernel counts it for each process: its own pages, and its part of those that it shares (proc(5), smaps_rollup). */

import { readFileSync, readdirSync } from "node:fs";

export type ProcessMemory = { pid: number; command: string; mebibytes: number; anonymous: number };

/** The product's processes that were started in `folder`: npm, the control plane, the router; not the engine. */
export function memoryOf(folder: string): ProcessMemory[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({ pid: Number(pid), command: read(pid, "cmdline").replaceAll("\0", " ").trim(), folder: folderOf(pid), rollup: read(pid, "smaps_rollup") }))
    .filter(({ folder: its, rollup, command }) => its === folder && rollup !== "" && !/dockerd|containerd/.test(command))
    .map(({ pid, command, rollup }) => ({ pid, command: command.replaceAll(folder, "…").slice(0, 60), mebibytes: field(rollup, "Pss"), anonymous: field(rollup, "Pss_Anon") }));
}

function field(rollup: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(rollup)?.[1] ?? 0) / 1024;
}

/** Its working folder; that of the router, which changes to another or is started elsewhere, from its arguments. */
function folderOf(pid: string): string {
  const script = read(pid, "cmdline").split("\0").find((arg) => /\/proxy\/(main|worker)\.ts$/.test(arg));
  return script ? script.replace(/\/proxy\/\w+\.ts$/, "") : (/(?:^|\0)PWD=([^\0]*)/.exec(read(pid, "environ"))?.[1] ?? "");
}

function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
