/** What a load saw: counts, times, failures; and whether an answer may come from the release, and a stream end at the time, that it did. */

import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

/** Failures kept with their reason; the others are counted. */
const REASONS_KEPT = 50;
/** Timers of three processes, and answers that were on their way. */
const SLACK_MS = 300;

export type Times = { count: number; p50Ms: number; p99Ms: number; maxMs: number };
export type StreamCounts = { opened: number; messages: number; endedByDrain: number };
export type LoadReport = {
  requests: number;
  failed: number;
  reasons: string[];
  /** Times that a request was begun late because too many were without an end (a machine that stands still). */
  heldBack: number;
  /** Answers of an old release to a request that began after the change from it was acknowledged. */
  stale: number;
  /** Of answers that are not slow on purpose: while no change was under way, and while one was. */
  steady: Times;
  changing: Times;
  events: StreamCounts;
  sockets: StreamCounts;
};

export type Answerer = { release: number; dyno: string };

export class LoadRecord {
  /** Any lower release is an old one for what begins now. */
  floor = 0;
  isChanging = false;
  requests = 0;
  failed = 0;
  stale = 0;
  heldBack = 0;
  readonly events: StreamCounts = { opened: 0, messages: 0, endedByDrain: 0 };
  readonly sockets: StreamCounts = { opened: 0, messages: 0, endedByDrain: 0 };
  readonly #drainMs: number;
  readonly #reasons: string[] = [];
  readonly #steady = createHistogram();
  readonly #changing = createHistogram();
  /** When the last request began that a dyno answered: it was still in the route then. */
  readonly #lastBegun = new Map<string, number>();

  constructor(drainMs: number) {
    this.#drainMs = drainMs;
  }

  fail(reason: string): void {
    this.failed += 1;
    if (this.#reasons.length < REASONS_KEPT) this.#reasons.push(`${new Date().toISOString()} ${reason}`);
  }

  /** An answer with the right content came. `floor`: the one when its request began. */
  answered({ release, dyno }: Answerer, begun: number, floor: number, what: string): void {
    if (!(release >= floor)) {
      this.stale += 1;
      this.fail(`${what}: v${release} answered, v${floor} was acknowledged before`);
    }
    this.#lastBegun.set(dyno, Math.max(begun, this.#lastBegun.get(dyno) ?? 0));
  }

  took(ms: number, whileChanging: boolean): void {
    (whileChanging ? this.#changing : this.#steady).record(Math.max(1, Math.round(ms * 1000)));
  }

  /** A stream of `dyno` was closed from the other side: right only when the dyno left the route and its drain is over. */
  streamEnded(counts: StreamCounts, dyno: string, what: string): void {
    const since = performance.now() - (this.#lastBegun.get(dyno) ?? 0);
    if (since >= this.#drainMs - SLACK_MS) counts.endedByDrain += 1;
    else this.fail(`${what}: closed ${Math.round(since)} ms after its dyno still got requests; a drain takes ${this.#drainMs} ms`);
  }

  report(): LoadReport {
    const { requests, failed, stale, heldBack, events, sockets } = this;
    return { requests, failed, stale, heldBack, events, sockets, reasons: this.#reasons, steady: timesOf(this.#steady), changing: timesOf(this.#changing) };
  }
}

function timesOf(histogram: RecordableHistogram): Times {
  if (histogram.count === 0) return { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 };
  const at = (percentile: number): number => histogram.percentile(percentile) / 1000;
  return { count: histogram.count, p50Ms: at(50), p99Ms: at(99), maxMs: histogram.max / 1000 };
}
