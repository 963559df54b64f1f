/** A steady load on one app, open loop: requests start on time however long earlier ones take. */

import { Agent, request } from "node:http";

/** The code on an error page of the router. */
const ROUTER_ERROR = /<small>([HRL]\d\d)\b/;

/** The most connections that carry more than one request. */
export const KEPT_CONNECTIONS = 20;

export type Failure = { at: number; reason: string };

export type Load = {
  /** Requests that ended, well or not. */
  count(): number;
  /** Requests without an end now. */
  inFlight(): number;
  failures(): Failure[];
  /** Bodies seen, in the order in which their requests began. */
  bodies(): string[];
  /** Resolves when that many more requests have ended well. */
  more(count: number): Promise<void>;
  /** No new requests; resolves when the last has ended. */
  stop(): Promise<void>;
};

/**
 * @param perSecond requests started each second; every other one on a new connection, every tenth a POST with a body.
 */
export function startLoad(port: number, app: string, perSecond = 100, path = "/"): Load {
  const keepAlive = new Agent({ keepAlive: true, maxSockets: KEPT_CONNECTIONS });
  const failures: Failure[] = [];
  const bodies: string[] = [];
  const waiting = new Set<{ left: number; resolve: () => void }>();
  let started = 0;
  let ended = 0;
  let stopping: (() => void) | undefined;

  const end = (index: number, failure: string | undefined, body: string): void => {
    ended += 1;
    if (failure !== undefined) failures.push({ at: Date.now(), reason: failure });
    else {
      bodies[index] = body;
      for (const waiter of waiting) if (--waiter.left <= 0) waiter.resolve();
    }
    if (stopping && ended === started) stopping();
  };

  const one = (): void => {
    const index = started++;
    const post = index % 10 === 9;
    const asking = request({
      host: "127.0.0.1", port, path, method: post ? "POST" : "GET", agent: index % 2 === 0 ? keepAlive : false, timeout: 30_000,
      headers: { host: `${app}.localhost`, ...(post ? { "content-type": "text/plain", "content-length": "1000" } : {}) },
    });
    let over = false;
    const once = (failure: string | undefined, body = ""): void => {
      if (over) return;
      over = true;
      end(index, failure, body);
    };
    asking.on("timeout", () => asking.destroy(new Error("no answer in 30 s")));
    asking.on("error", (error) => once(error.message));
    asking.on("response", (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("error", (error) => once(error.message));
      response.on("aborted", () => once("the answer was cut off"));
      response.on("end", () => {
        const code = ROUTER_ERROR.exec(body)?.[1];
        // An app need not know POST: what it answers then is its own affair.
        once(response.statusCode === 200 || (post && code === undefined) ? undefined : `${post ? "POST" : "GET"} ${response.statusCode}: ${code ?? body.slice(0, 200)}`, body);
      });
    });
    asking.end(post ? "x".repeat(1000) : undefined);
  };

  const began = performance.now();
  const timer = setInterval(() => {
    for (const due = ((performance.now() - began) / 1000) * perSecond; started < due; ) one();
  }, 5);

  return {
    count: () => ended,
    inFlight: () => started - ended,
    failures: () => failures,
    bodies: () => bodies.filter((body) => body !== undefined),
    more: (count) => new Promise((resolve) => {
      const waiter = { left: count, resolve: () => { waiting.delete(waiter); resolve(); } };
      waiting.add(waiter);
    }),
    async stop() {
      clearInterval(timer);
      if (ended < started) await new Promise<void>((resolve) => (stopping = resolve));
      keepAlive.destroy();
    },
  };
}
