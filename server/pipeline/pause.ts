import { setTimeout as sleep } from "node:timers/promises";

/** Resolves after `ms`, or at once when the signal fires: whoever waits then looks at the signal. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal }).catch(() => undefined);
}
