import { availableParallelism, loadavg } from "node:os";

/** Runnable processes per core that the tests' own two workers make. */
const USUAL = 2;

/**
 * How many times slower than promised this machine may be now, because others work on it too: 1 where they do not.
 * Promises in seconds hold for a machine that is not overloaded; tests multiply their limits by this.
 */
export function overload(): number {
  const [lastMinute = 0] = loadavg();
  return Math.max(1, lastMinute / availableParallelism() / USUAL);
}
