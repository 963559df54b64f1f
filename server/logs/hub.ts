/** Where all lines come together: into the history, and to whoever listens to the app just now. */

import type { History } from "./history.ts";
import type { LogLine } from "./line.ts";
import { safeText } from "./safe-text.ts";

/** Takes a line and the position behind it; never waits. */
export type Listener = (line: LogLine, position: number) => void;

export type NewLine = Omit<LogLine, "at" | "release" | "mark"> & Partial<Pick<LogLine, "at" | "release" | "mark">>;

export type Counts = { lines: number; dropped: number };

export type Hub = {
  /** Takes a line of an app and makes its text safe; its time is now where it has none. */
  write(appId: string, line: NewLine): void;
  /** Calls back for every line of the app from now on. @returns a function that ends it */
  subscribe(appId: string, listener: Listener): () => void;
  /** Counts lines that are missing, wherever they were lost. */
  countDropped(appId: string, count: number): void;
  /** Since the start, by app. */
  counts(): ReadonlyMap<string, Counts>;
  /** Forgets an app that is gone: what comes of it from now on is nobody's. */
  remove(appId: string): Promise<void>;
};

/** Characters. What dynos print has been cut before. */
const MAX_TEXT = 10_000;

export function createHub(history: History, clock: () => string): Hub {
  const listeners = new Map<string, Set<Listener>>();
  const counted = new Map<string, Counts>();
  const removed = new Set<string>();
  /** Lines that the disk was too slow for, since when. */
  const lost = new Map<string, { count: number; since: string }>();
  /** The position behind the last line that was kept. */
  const last = new Map<string, number>();

  const countsOf = (appId: string): Counts => {
    let counts = counted.get(appId);
    if (!counts) counted.set(appId, (counts = { lines: 0, dropped: 0 }));
    return counts;
  };
  const put = (appId: string, line: LogLine): boolean => {
    const position = history.append(appId, line);
    const counts = countsOf(appId);
    counts.lines += 1;
    // Who tails sees it all the same; when it comes back to that place, it goes on behind what was kept before.
    if (position !== undefined) last.set(appId, position);
    for (const listener of listeners.get(appId) ?? []) listener(line, position ?? last.get(appId) ?? 0);
    if (position === undefined) counts.dropped += 1;
    return position !== undefined;
  };

  return {
    write(appId, { source, ps, text: given, release, mark, at = clock() }) {
      if (removed.has(appId)) return;
      // The one way in: a line feed would make a second record of what a program prints or a person types.
      const text = safeText(given.length > MAX_TEXT ? `${given.slice(0, MAX_TEXT)}…` : given);
      const missing = lost.get(appId);
      if (put(appId, { at, source, ps, release, text, mark })) {
        if (!missing) return;
        lost.delete(appId);
        put(appId, { at, source: "heroku", ps: "logplex", release: undefined, text: bufferOverflow(missing.count, missing.since) });
      } else {
        lost.set(appId, { count: (missing?.count ?? 0) + 1, since: missing?.since ?? at });
      }
    },
    subscribe(appId, listener) {
      const of = listeners.get(appId) ?? new Set();
      listeners.set(appId, of.add(listener));
      return () => {
        of.delete(listener);
        if (of.size === 0 && listeners.get(appId) === of) listeners.delete(appId);
      };
    },
    countDropped(appId, count) {
      countsOf(appId).dropped += count;
    },
    counts: () => counted,
    async remove(appId) {
      removed.add(appId);
      lost.delete(appId);
      last.delete(appId);
      counted.delete(appId);
      await history.remove(appId);
    },
  };
}

/** Heroku's words (devcenter: error-codes#l12-local-buffer-overflow). */
export function bufferOverflow(count: number, since: string): string {
  return `Error L12 (Local buffer overflow) -> ${count} messages dropped since ${since}.`;
}
