/** Memory as the kernel counts it for each process: its own pages, and its part of those that it shares (proc(5), smaps_rollup). */

import { readFileSync, readdirSync } from "node:fs";

export type ProcessMemory = { pid: number; command: string; mebibytes: number };

/** The processes whose command line or working folder lies in `folder`, and npm itself. */
export function memoryOf(folder: string): ProcessMemory[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => ({ pid: Number(pid), command: read(pid, "cmdline").replaceAll("\0", " ").trim(), environment: read(pid, "environ"), rollup: read(pid, "smaps_rollup") }))
    .filter(({ command, environment, rollup }) => rollup !== "" && (command.includes(folder) || environment.includes(`PWD=${folder}`)) && !/dockerd|containerd/.test(command))
    .map(({ pid, command, rollup }) => ({ pid, command: command.slice(0, 60), mebibytes: Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) / 1024 }));
}

function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
