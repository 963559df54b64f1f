/** A target as the router sees it: what is in flight on it, the connections that rest, and whether it refused lately. */

import type { Limits } from "./limits.ts";
import type { Target } from "./route.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";

/** A request that a target is working on. */
export type InFlight = {
  /** Its place in the target's list; the target's to write. */
  slot: number;
  /** Its response has not begun; the target's to write. */
  unanswered: boolean;
  /** Its target left the route. */
  targetRetired(): void;
  /** Ends it now: the drain's time is over. */
  cut(): void;
};

export class LiveTarget {
  readonly spec: Target;
  /** False once no route names it: it gets no new request and keeps no connection. */
  live = true;
  /** `performance.now()` until which it is passed over. */
  setAsideUntil = 0;
  /** Requests in flight whose response has not begun: the app's backlog. Streams and WebSockets are not among them. */
  unanswered = 0;
  readonly #limits: Limits;
  readonly #inFlight: InFlight[] = [];
  /** Last in, first out: the connection that rested least is the least likely to be closed under a request. */
  readonly #resting: UpstreamConnection[] = [];
  #onIdle: (() => void)[] = [];

  constructor(spec: Target, limits: Limits) {
    this.spec = spec;
    this.#limits = limits;
  }

  get load(): number {
    return this.#inFlight.length;
  }

  enter(request: InFlight): void {
    request.slot = this.#inFlight.push(request) - 1;
    request.unanswered = true;
    this.unanswered++;
  }

  /** The response of `request` has begun. */
  answered(request: InFlight): void {
    if (!request.unanswered) return;
    request.unanswered = false;
    this.unanswered--;
  }

  leave(request: InFlight): void {
    const { slot } = request;
    if (this.#inFlight[slot] !== request) return;
    this.answered(request);
    const last = this.#inFlight.pop()!;
    if (last !== request) {
      this.#inFlight[slot] = last;
      last.slot = slot;
    }
    if (this.#inFlight.length === 0 && this.#onIdle.length > 0) {
      const waiting = this.#onIdle;
      this.#onIdle = [];
      for (const resolve of waiting) resolve();
    }
  }

  /** A resting connection that has rested at most `maxRestMs`, or null. */
  take(now: number, maxRestMs: number): UpstreamConnection | null {
    const connection = this.#resting.at(-1);
    if (connection === undefined) return null;
    const rested = now - connection.restingSince;
    if (rested > maxRestMs || rested >= connection.restMs) return null;
    this.#resting.pop();
    return connection;
  }

  /** Lays a connection to rest; `keepAliveSeconds` is what the app said, 0 when it said nothing. */
  rest(connection: UpstreamConnection, now: number, keepAliveSeconds: number): void {
    if (!this.live || this.#resting.length >= this.#limits.idlePerTarget) return connection.destroy();
    connection.user = null;
    connection.used++;
    connection.restingSince = now;
    // A second less than the app says, so that its FIN does not cross our request.
    const said = keepAliveSeconds === 0 ? this.#limits.upstreamIdleMs : keepAliveSeconds * 1_000 - 1_000;
    connection.restMs = Math.min(said, this.#limits.upstreamIdleMs);
    if (connection.restMs <= 0) return connection.destroy();
    this.#resting.push(connection);
  }

  forget(connection: UpstreamConnection): void {
    const index = this.#resting.indexOf(connection);
    if (index !== -1) this.#resting.splice(index, 1);
  }

  /** Closes connections whose rest is over. */
  sweep(now: number): void {
    while (this.#resting.length > 0) {
      const oldest = this.#resting[0]!;
      if (now - oldest.restingSince < oldest.restMs) return;
      this.#resting.shift();
      oldest.destroy();
    }
  }

  /** No route names it any more. */
  retire(): void {
    this.live = false;
    for (const connection of this.#resting.splice(0)) connection.destroy();
    for (const request of [...this.#inFlight]) request.targetRetired();
  }

  /** Resolves as soon as nothing is in flight; `signal` gives up waiting. */
  async idle(signal: AbortSignal): Promise<void> {
    if (this.#inFlight.length === 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#onIdle.push(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  /** Ends everything that is in flight; returns how many. */
  cutAll(): number {
    const cut = [...this.#inFlight];
    for (const request of cut) request.cut();
    return cut.length;
  }
}
