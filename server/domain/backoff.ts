/** How long a crashed dyno waits before it is started again: at once, then 1 s, 2 s, 4 s … at most 5 minutes (devcenter: dynos#dyno-crash-restart-policy). */

const MAX_MS = 5 * 60_000;
/** A dyno that stayed up so long has recovered. */
const STABLE_MS = 10 * 60_000;

export type Crashes = { count: number; lastAt: number };

/** The count after one more crash. Times are milliseconds of a clock that never jumps. */
export function countCrash(before: Crashes | undefined, at: number): Crashes {
  const count = before && at - before.lastAt < STABLE_MS ? before.count + 1 : 1;
  return { count, lastAt: at };
}

/** When the next start is due. `random` (0 to 1) spreads restarts by up to a fifth. */
export function nextStart({ count, lastAt }: Crashes, random: number): number {
  if (count <= 1) return lastAt;
  return lastAt + Math.min(1000 * 2 ** (count - 2), MAX_MS) * (1 + random / 5);
}
