/**
 * A request's way to a dyno: one is chosen and a connection to it taken or made. Where none comes about nothing was sent, so
 * another one is tried; and while there is none, perhaps for a moment, the request is held.
 */

import { chooseTarget, someAble } from "./balance.ts";
import { FAILURES, type Failure, UNAVAILABLE } from "./failure.ts";
import type { InFlight, LiveTarget } from "./live-target.ts";
import type { Route } from "./route.ts";
import type { RouterState } from "./router-state.ts";
import { UpstreamConnection, type UpstreamUser } from "./upstream-connection.ts";

/** Connect errors that mean: no byte reached the app. */
const REFUSED = new Set(["ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENETDOWN", "EPIPE"]);

/** What is on its way. It uses the connection that was found, and says `connected` and `connectFailed` here while one is being made. */
export type Dispatched = UpstreamUser & {
  /** It may be sent a second time. */
  readonly repeatable: boolean;
  /** Looks at its route, at each try; false when it is answered without a dyno. */
  follows(route: Route): boolean;
  /** Here is its connection. */
  send(connection: UpstreamConnection, now: number): void;
  fail(failure: Failure): void;
};

export class Dispatch implements InFlight {
  slot = -1;
  unanswered = false;
  /** The dyno, also after the end: the log names it. */
  target: LiveTarget | null = null;
  connection: UpstreamConnection | null = null;
  connectMs = 0;
  readonly #state: RouterState;
  readonly #request: Dispatched;
  readonly #host: string;
  readonly #startedAt: number;
  #inCharge: { cut(): void };
  #connectingSince = -1;
  #holdTimer: NodeJS.Timeout | null = null;
  #stopWaiting: (() => void) | null = null;
  #tries = 0;
  #retried = false;

  constructor(state: RouterState, request: Dispatched & { cut(): void }, host: string, startedAt: number) {
    this.#state = state;
    this.#request = request;
    this.#inCharge = request;
    this.#host = host;
    this.#startedAt = startedAt;
  }

  /** Finds a dyno. The table is asked at each try, so that a request that had to wait follows a flip. `fresh`: on a new connection. */
  go(fresh: boolean, now = performance.now()): void {
    const request = this.#request;
    const live = this.#state.table.find(this.#host);
    if (live === undefined) return request.fail(FAILURES.noSuchHost);
    if (!request.follows(live.route)) return;
    if (live.emptySince !== null) return this.#withoutDyno(live.route, live.emptySince);
    const target = chooseTarget(live.targets, now);
    const { requestsPerTarget, freshMs } = this.#state.limits;
    if (target.unanswered >= requestsPerTarget && live.targets.every((other) => other.unanswered >= requestsPerTarget)) return request.fail(FAILURES.backlog);
    this.target = target;
    target.enter(this);
    const resting = fresh ? null : target.take(now, request.repeatable ? Infinity : freshMs);
    if (resting === null) {
      this.#connectingSince = now;
      this.connection = new UpstreamConnection(target, request);
    } else {
      resting.user = request;
      this.connection = resting;
      request.send(resting, now);
    }
  }

  connected(): void {
    const now = performance.now();
    this.connectMs = now - this.#connectingSince;
    this.#connectingSince = -1;
    this.#request.send(this.connection!, now);
  }

  /** No connection came about: nothing was sent, so any request may go elsewhere. */
  connectFailed(code: string): void {
    const now = performance.now();
    const { limits, table } = this.#state;
    this.target!.setAsideUntil = now + limits.setAsideMs;
    this.#startOver();
    const timedOut = code === "ETIMEDOUT";
    if (!timedOut && !REFUSED.has(code)) return this.#request.fail(FAILURES.internal);
    if (++this.#tries >= limits.refusedTries || now - this.#startedAt > limits.refusedMs * (timedOut ? 4 : 1))
      return this.#request.fail(timedOut ? FAILURES.connectTimeout : FAILURES.refused);
    const live = table.find(this.#host);
    if (live !== undefined && someAble(live.targets, now)) return this.go(true);
    if (timedOut) return this.#request.fail(FAILURES.connectTimeout);
    this.#hold(Math.min(10 * 2 ** this.#tries, 1_000, limits.refusedMs));
  }

  /**
   * RFC 9110 9.2.2, RFC 9112 9.3.1: a kept connection may close just as we send; once, and only when nothing came back and
   * the request may be repeated, that is no failure.
   */
  get mayRetry(): boolean {
    return this.connection!.used > 0 && !this.#retried && this.#request.repeatable;
  }

  retry(): void {
    this.#retried = true;
    this.#startOver();
    this.go(true);
  }

  /** A dyno that is gone may not even refuse: nothing was sent to it yet, and the route has others now. */
  targetRetired(): void {
    if (this.#connectingSince === -1) return;
    this.#startOver();
    this.go(true);
  }

  /** The end of a drain: see `LiveTarget.cutAll`. */
  cut(): void {
    this.#inCharge.cut();
  }

  tick(now: number): void {
    if (this.#connectingSince !== -1 && now - this.#connectingSince > this.#state.limits.connectMs) this.connectFailed("ETIMEDOUT");
  }

  /** The response has begun. */
  answered(): void {
    this.target!.answered(this);
  }

  /** From now on `user` has the connection, and is what a drain cuts. */
  handOver(user: UpstreamUser & { cut(): void }): void {
    this.#inCharge = user;
    this.connection!.user = user;
  }

  /** Over; the connection waits for another request. */
  rest(keepAliveSeconds: number, now: number): void {
    const connection = this.connection!;
    this.connection = null;
    this.target!.leave(this);
    if (connection.socket.isPaused()) connection.socket.resume();
    this.target!.rest(connection, now, keepAliveSeconds);
  }

  /** Over; the connection is closed, if there is one. */
  end(): void {
    this.#stopHolding();
    this.target?.leave(this);
    this.dropConnection();
  }

  dropConnection(): void {
    const connection = this.connection;
    this.connection = null;
    this.#connectingSince = -1;
    connection?.destroy();
  }

  #startOver(): void {
    this.target!.leave(this);
    this.target = null;
    this.dropConnection();
  }

  /** One that has just crashed is most likely started again in a moment; what was scaled to none, or is in maintenance, is not. */
  #withoutDyno({ unavailable }: Route, since: number): void {
    const left = since + this.#state.limits.refusedMs - performance.now();
    if (unavailable !== "H10" || left <= 0) return this.#request.fail(UNAVAILABLE[unavailable]);
    this.#hold(left);
  }

  /** Tried again, then or when the route changes, before the client hears of it. */
  #hold(delayMs: number): void {
    const again = (): void => {
      this.#stopHolding();
      this.go(false);
    };
    this.#holdTimer = setTimeout(again, delayMs);
    this.#stopWaiting = this.#state.table.onChange(this.#host, again);
  }

  #stopHolding(): void {
    if (this.#holdTimer !== null) clearTimeout(this.#holdTimer);
    this.#stopWaiting?.();
    this.#holdTimer = null;
    this.#stopWaiting = null;
  }
}
