/** The processes below this one, read from /proc (Linux). */

import { readdirSync, readFileSync } from "node:fs";

export type Process = { pid: number; parent: number; state: string; command: string };

/** All descendants of this process whose command line contains the word; zombies count. */
export function childrenNamed(word: string, root = process.pid): Process[] {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((name) => read(Number(name)));
  const below = new Set([root]);
  for (let size = 0; size !== below.size; ) {
    size = below.size;
    for (const { pid, parent } of all) if (below.has(parent)) below.add(pid);
  }
  return all.filter(({ pid, command }) => pid !== root && below.has(pid) && command.includes(word));
}

function read(pid: number): Process[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [, name = "", state = "", parent = ""] = /^\d+ \((.*)\) (\S) (\d+)/s.exec(stat) ?? [];
    const command = readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ").trim() || name;
    return [{ pid, parent: Number(parent), state, command }];
  } catch {
    return []; // it ended meanwhile
  }
}
