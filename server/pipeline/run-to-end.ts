import type { DynoSpec } from "../engine/engine.ts";
import { minutes, wholeLines, type Output } from "./output.ts";
import type { Parts } from "./parts.ts";

/**
 * Runs a one-off dyno to its end, its output live.
 * @returns how it failed, as the end of a sentence; undefined where it exited with 0
 * @throws AppError engine_unavailable
 */
export async function runToEnd({ engine, config: { limits } }: Pick<Parts, "engine" | "config">, spec: DynoSpec, output: Output, signal?: AbortSignal): Promise<string | undefined> {
  const printed = wholeLines(output);
  const { code, outOfMemory, timedOut } = await engine.runOnce(spec, printed, limits.releaseMinutes * 60_000, signal).finally(printed.end);
  if (code === 0 && !timedOut) return undefined;
  if (signal?.aborted) return "was interrupted";
  if (timedOut) return `took longer than ${minutes(limits.releaseMinutes)} and was stopped (PAAS_RELEASE_MINUTES)`;
  if (outOfMemory) return `used more than ${spec.memoryMb} MB of memory and was killed (PAAS_DYNO_MEMORY_MB)`;
  return `exited with status ${code}`;
}
