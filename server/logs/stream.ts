/** An app's lines as a stream: the last ones, and with `tail` those that come, as plain text or as server-sent events. */

import { Readable } from "node:stream";
import type { History, Positioned } from "./history.ts";
import type { Hub } from "./hub.ts";
import { formatLine, matches, type LogFilter } from "./line.ts";

export type StreamRequest = LogFilter & {
  lines: number;
  tail: boolean;
  /** Server-sent events (WHATWG HTML, section 9.2), each with its position as id; else a line each. */
  events: boolean;
  /** The last id that the client had: it goes on behind it. */
  after?: number | undefined;
};

/** Lines for a reader that is slower than its app; more are dropped, and it is told. */
const MAX_WAITING = 1000;
const MAX_WAITING_BYTES = 1024 * 1024;
/** Clients and proxies close what is silent: the CLI after 300 s. */
const HEARTBEAT_MS = 20_000;

/** Ends by itself without `tail`; otherwise when it is destroyed. `clock` stamps what the reader is told itself. */
export function streamLines({ hub, history, clock }: { hub: Hub; history: History; clock: () => string }, appId: string, request: StreamRequest): Readable {
  const waiting: Positioned[] = [];
  let waitingBytes = 0;
  let missed: { count: number; since: string } | undefined;
  let wake = (): void => undefined;
  let closed = false;
  // Before anything is read: what comes from now on waits, what came until now is in the history.
  const until = history.end(appId);
  const stop = !request.tail ? () => undefined : hub.subscribe(appId, (line, position) => {
    if (!matches(line, request)) return;
    // Once lines are missing, all that come are, until the reader is told in the place where they were.
    if (missed || waiting.length >= MAX_WAITING || waitingBytes > MAX_WAITING_BYTES) {
      missed = { count: (missed?.count ?? 0) + 1, since: missed?.since ?? line.at };
      return;
    }
    waiting.push({ line, position });
    waitingBytes += line.text.length;
    wake();
  });
  const show = ({ line, position }: Positioned): string => (request.events ? `id: ${position}\ndata: ${formatLine(line)}\n\n` : `${formatLine(line)}\n`);

  async function* lines(): AsyncGenerator<string> {
    await history.flush(appId);
    // A client waits its time to connect again even for a stream that it then finds to be over: Heroku's CLI would end 3 s late.
    if (request.events && !request.tail) yield "retry: 1\n\n";
    if (request.after !== undefined && request.after <= until) for await (const found of history.after(appId, request, request.after, until)) yield show(found);
    else for (const found of await history.last(appId, request, request.lines, until)) yield show(found);
    if (!request.tail) return;
    if (request.events) yield ":\n\n";
    while (!closed) {
      if (waiting.length === 0 && missed) {
        const { count, since } = missed;
        missed = undefined;
        yield show({ line: { at: clock(), source: "heroku", ps: "logplex", release: undefined, text: `Error L11 (Tail buffer overflow) -> This tail session dropped ${count} messages since ${since}.` }, position: history.end(appId) });
      }
      const batch = waiting.splice(0);
      waitingBytes = 0;
      if (batch.length > 0) yield batch.map(show).join("");
      else if (!(await woken()) && request.events) yield ":\n\n";
    }
  }

  /** True when a line came, false when it was time for a sign of life. */
  function woken(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), HEARTBEAT_MS);
      wake = () => {
        clearTimeout(timer);
        wake = () => undefined;
        resolve(true);
      };
    });
  }

  const source = lines();
  let pulling = false;
  return new Readable({
    highWaterMark: 64 * 1024,
    read() {
      if (pulling) return;
      pulling = true;
      void source.next().then(({ done, value }) => {
        pulling = false;
        this.push(done ? null : value);
      }, (error: Error) => this.destroy(error));
    },
    destroy(error, callback) {
      closed = true;
      stop();
      wake();
      callback(error);
    },
  });
}
