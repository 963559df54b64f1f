/** One drain at work: lines wait in a bounded queue, go out in batches, and are tried again with growing patience. */

import { randomUUID } from "node:crypto";
import type { LogLine } from "../line.ts";
import type { Batch, Sender } from "./sender.ts";

/** As Heroku's: what does not fit is dropped, counted and told (error code L10). */
export const QUEUE_LINES = 1000;
const QUEUE_BYTES = 2 * 1024 * 1024;
const BATCH_LINES = 100;
/** Lines that come close together go out together. */
const LINGER_MS = 100;
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 60_000;

export type DrainState = {
  delivered: number;
  dropped: number;
  waiting: number;
  /** Why the last try failed; null where it did not. */
  lastError: string | null;
};

export type Drain = {
  /** Never waits. */
  add(line: LogLine): void;
  state(): DrainState;
  /** Resolves when nothing waits any more, at once where the receiver is not to be had. */
  settled(): Promise<void>;
  /** What waits is lost. */
  stop(): void;
};

/** @param onDropped hears of each line that did not fit. @param firstRetryMs after the first failure; doubled with each one */
export function createDrain(sender: Sender, onDropped: () => void, firstRetryMs = FIRST_RETRY_MS): Drain {
  const queue: LogLine[] = [];
  let bytes = 0;
  let sending: Batch | undefined;
  let delivered = 0;
  let dropped = 0;
  let missing: { count: number; since: string } | undefined;
  let lastError: string | null = null;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let tell = (): void => undefined;

  const nextBatch = (): Batch => {
    const lines = queue.splice(0, BATCH_LINES);
    for (const { text } of lines) bytes -= text.length;
    if (queue.length === 0 && missing) {
      // Behind the last line that fitted: what comes next comes after the gap.
      lines.push({ at: missing.since, source: "heroku", ps: "logplex", release: undefined, text: `Error L10 (output buffer overflow): ${missing.count} messages dropped since ${missing.since}.` });
      missing = undefined;
    }
    return { id: randomUUID(), lines };
  };

  async function work(): Promise<void> {
    timer = undefined;
    sending ??= nextBatch();
    const batch = sending;
    try {
      await sender.send(batch);
      delivered += batch.lines.length;
      sending = undefined;
      failures = 0;
      lastError = null;
    } catch (error) {
      failures += 1;
      lastError = error instanceof Error ? error.message : String(error);
    }
    if (failures > 0 || (queue.length === 0 && !missing)) tell();
    if (stopped) return;
    if (failures > 0) schedule(Math.min(MAX_RETRY_MS, firstRetryMs * 2 ** (failures - 1)) * (0.5 + Math.random() / 2));
    else if (queue.length > 0 || missing) schedule(queue.length >= BATCH_LINES ? 0 : LINGER_MS);
  }

  function schedule(ms: number): void {
    timer = setTimeout(() => void work(), ms).unref();
  }

  return {
    add(line) {
      if (stopped) return;
      // Once lines are missing, all that come are, until the gap is told in its place.
      if (missing || queue.length + (sending?.lines.length ?? 0) >= QUEUE_LINES || bytes > QUEUE_BYTES) {
        missing = { count: (missing?.count ?? 0) + 1, since: missing?.since ?? line.at };
        dropped += 1;
        return onDropped();
      }
      queue.push(line);
      bytes += line.text.length;
      if (timer === undefined && sending === undefined) schedule(LINGER_MS);
    },
    state: () => ({ delivered, dropped, waiting: queue.length + (sending?.lines.length ?? 0), lastError }),
    settled: () => (failures > 0 || (queue.length === 0 && sending === undefined) ? Promise.resolve() : new Promise((resolve) => (tell = resolve))),
    stop() {
      stopped = true;
      clearTimeout(timer);
      sender.close();
    },
  };
}
