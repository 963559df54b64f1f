/** What a dyno uses now, as the engine reads it from the kernel's control groups. */

import type Dockerode from "dockerode";
import { unlessGone, within } from "./docker-call.ts";
import type { DynoUsage, Engine } from "./engine.ts";

const CALL_MS = 10_000;

type Stats = { cpu_stats?: { cpu_usage?: { total_usage?: number } }; memory_stats?: { usage?: number; stats?: Record<string, number> } };

export function createUsage(docker: Dockerode): Engine["usage"] {
  return async (dynoId) => {
    const options = { stream: false, "one-shot": true } as unknown as { stream: false };
    const stats = (await unlessGone(within(CALL_MS, "read a dyno's usage", docker.getContainer(dynoId).stats(options)))) as Stats | undefined;
    const memory = stats?.memory_stats?.stats;
    if (!memory) return undefined;
    return usageOf(stats.cpu_stats?.cpu_usage?.total_usage ?? 0, memory);
  };
}

/** Names of control groups version 1, then of version 2 (Linux: cgroup-v1/memory, cgroup-v2). */
function usageOf(cpuNanoseconds: number, stats: Record<string, number>): DynoUsage {
  const of = (...names: string[]): number => names.map((name) => stats[name]).find((value) => value !== undefined) ?? 0;
  return {
    cpuSeconds: cpuNanoseconds / 1e9,
    memory: { rss: of("total_rss", "rss", "anon"), cache: of("total_cache", "cache", "file"), swap: of("total_swap", "swap"), pagesIn: of("total_pgpgin", "pgpgin", "pgfault"), pagesOut: of("total_pgpgout", "pgpgout") },
  };
}
