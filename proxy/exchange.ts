/**
 * One request and its response on their way: find a dyno, send, wait, hand back, let go. It ends exactly once, in
 * `#complete` (all well), `#fail` (the router answers) or `clientGone`.
 */

import { accessLine } from "./access-log.ts";
import { chooseTarget, someAble } from "./balance.ts";
import { FAILURES, type Failure, UNAVAILABLE } from "./failure.ts";
import { requestHeadForApp } from "./forward.ts";
import { LENGTH, NO_BODY } from "./framing.ts";
import type { InFlight, LiveTarget } from "./live-target.ts";
import { type OwnAnswer, challengeAnswer, redirectToTls } from "./own-answer.ts";
import { RequestBody } from "./request-body.ts";
import { requestIdFor } from "./request-id.ts";
import type { RequestHead } from "./request-head.ts";
import { COMPLETE, MALFORMED, RESTRICTED, ResponseRelay, SWITCHED } from "./response-relay.ts";
import type { Route } from "./route.ts";
import type { RouterState } from "./router-state.ts";
import { keepOctets } from "./scratch.ts";
import { UpstreamConnection, type UpstreamUser } from "./upstream-connection.ts";
import type { Line } from "./wire.ts";

// Where it stands.
const HOLDING = 0;
const CONNECTING = 1;
const SENDING = 2;
const WAITING = 3;
const RESPONDING = 4;
const TUNNEL = 5;
/** The response is over, the rest of the request's body is still coming. */
const FINISHING = 6;
const ENDED = 7;

/** Methods that may be sent again (RFC 9110 9.2.2). */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);
/** Connect errors that mean: no byte reached the app. */
const REFUSED = new Set(["ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENETDOWN", "EPIPE"]);
/** The rest of a body up to this size is waited for when its answer is out already. */
const FINISH_BYTES = 1_048_576;
const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

/** The connection that the request came on and its response goes to, as far as one request may act on it. */
export type ExchangeClient = {
  readonly socket: Line;
  readonly address: string;
  /** It came with TLS. */
  readonly secure: boolean;
  /** Field lines that are the same for each request of this connection. */
  readonly origin: string;
  pause(): void;
  resume(): void;
  /** The response is out; `keep` where another request may follow. */
  answered(keep: boolean): void;
  fail(failure: Failure, exchange: Exchange, keep: boolean): void;
  answer(answer: OwnAnswer, keep: boolean): void;
  openTunnel(): void;
  breakOff(reset: boolean): void;
  closeGently(): void;
  destroy(): void;
};

export class Exchange implements UpstreamUser, InFlight {
  readonly requestId: string;
  slot = -1;
  unanswered = false;
  readonly #state: RouterState;
  readonly #client: ExchangeClient;
  readonly #head: RequestHead;
  readonly #body: RequestBody | null;
  readonly #startedAt: number;
  readonly #requestHead: string;

  #phase = HOLDING;
  #since: number;
  #target: LiveTarget | null = null;
  #upstream: UpstreamConnection | null = null;
  #begun = false;
  #holdTimer: NodeJS.Timeout | null = null;
  #stopWaiting: (() => void) | null = null;
  #tries = 0;
  #retried = false;
  #connectMs = 0;

  readonly #relay: ResponseRelay;
  #received = 0;
  #clientEnded = false;
  #upstreamEnded = false;

  constructor(state: RouterState, client: ExchangeClient, head: RequestHead, now: number) {
    this.#state = state;
    this.#client = client;
    this.#head = head;
    this.#startedAt = now;
    this.#since = now;
    this.#relay = new ResponseRelay(state, client.socket, head);
    this.requestId = requestIdFor(head.requestId);
    this.#body = head.body === NO_BODY || (head.body === LENGTH && head.length === 0) ? null : new RequestBody(head.body, head.length, state.limits.replayBytes, IDEMPOTENT.has(head.method));
    this.#requestHead = requestHeadForApp(head, client.address, client.origin, this.requestId, Math.round(performance.timeOrigin + now));
  }

  /** Whether the octets that come from the client are still this request's. */
  get wantsOctets(): boolean {
    return this.#phase === TUNNEL || (this.#body !== null && !this.#body.complete && this.#phase !== ENDED);
  }

  /** Begins, after the octets that came with the head were given to `fromClient`. */
  start(): void {
    if (this.#phase === ENDED) return;
    if (this.#state.challenges.size > 0) {
      const challenge = challengeAnswer(this.#head, this.#state.challenges);
      if (challenge !== null) return this.#answer(challenge);
    }
    // RFC 9110 10.1.1: answered here, so that no app has to; not when the body is on its way already.
    const waits = this.#head.expectContinue && this.#body !== null && this.#body.kept.length === 0;
    this.#begun = true;
    this.#dispatch(false);
    this.#keepBody();
    if (waits && this.#phase < RESPONDING) this.#client.socket.write(CONTINUE, "latin1");
  }

  /** Octets of the body or the tunnel; returns how many were this request's. */
  fromClient(bytes: Buffer): number {
    if (this.#phase >= SENDING && this.#phase !== WAITING) this.#since = this.#state.now;
    if (this.#phase === TUNNEL) {
      const { socket } = this.#upstream!;
      if (!socket.write(bytes)) this.#client.pause();
      if (socket.writableLength > 0) keepOctets();
      return bytes.length;
    }
    const body = this.#body!;
    const behind = body.read(bytes, 0);
    if (body.malformed) {
      this.#fail(FAILURES.badRequest);
      return bytes.length;
    }
    if (this.#phase >= SENDING) this.#sendFramed(body);
    else if (body.full) this.#client.pause();
    if (this.#begun) this.#keepBody();
    if (this.#phase === FINISHING && body.complete) this.#finish();
    return behind;
  }

  /** The client's side took all that was written to it. */
  clientDrained(): void {
    this.#since = this.#state.now;
    this.#upstream?.socket.resume();
  }

  /** FIN from the client: the end of a tunnel's one direction, or an abort (as nginx and Heroku read it). */
  clientEnded(): void {
    this.#clientEnded = true;
    if (this.#phase !== TUNNEL) return this.clientGone();
    this.#upstream!.socket.end();
    if (this.#upstreamEnded) this.#endTunnel();
  }

  /** The client's connection is closed or must be: the app's side is aborted at once. */
  clientGone(): void {
    if (this.#phase === ENDED) return;
    const finished = this.#phase === TUNNEL || this.#phase === FINISHING;
    this.#letGo();
    this.#log(finished ? null : FAILURES.clientGone, this.#relay.started ? this.#relay.status : 499);
    this.#client.destroy();
  }

  /** A dyno that is gone may not even refuse: nothing was sent to it yet, and the route has others now. */
  targetRetired(): void {
    if (this.#phase !== CONNECTING) return;
    this.#leaveTarget();
    this.#dispatch(true);
  }

  /** The end of a drain: see `LiveTarget.cutAll`. */
  cut(): void {
    if (this.#phase === TUNNEL) this.#endTunnel();
    else if (this.#phase === FINISHING) this.#finish();
    else this.#fail(FAILURES.drained);
  }

  /** Looks at the clock; called a few times a second. */
  tick(now: number): void {
    const { limits } = this.#state;
    const waited = now - this.#since;
    switch (this.#phase) {
      case CONNECTING: if (waited > limits.connectMs) this.#connectFailed("ETIMEDOUT"); break;
      case SENDING: if (waited > limits.rollingMs) this.#fail(this.#upstream!.socket.writableNeedDrain ? FAILURES.idle : FAILURES.clientIdle); break;
      case WAITING: if (waited > limits.firstByteMs) this.#fail(FAILURES.firstByte); break;
      case RESPONDING: if (waited > limits.rollingMs) this.#fail(this.#client.socket.writableNeedDrain ? FAILURES.clientIdle : FAILURES.idle); break;
      case TUNNEL: if (waited > limits.rollingMs) this.#fail(FAILURES.idle); break;
      case FINISHING: if (waited > limits.lingerMs) this.#finish(); break;
    }
  }

  // --- Towards the app ---

  /** Chooses a dyno and sends. The table is asked at each try, so that a request that had to wait follows a flip. */
  #dispatch(fresh: boolean): void {
    const live = this.#state.table.find(this.#head.host);
    if (live === undefined) return this.#fail(FAILURES.noSuchHost);
    const { secure } = this.#client;
    if (live.route.redirectToTls && !secure && this.#state.tlsPort !== null) return this.#answer(redirectToTls(this.#head, this.#state.tlsPort));
    if (live.route.hstsSeconds > 0 && secure) this.#relay.fields = `Strict-Transport-Security: max-age=${live.route.hstsSeconds}\r\n`;
    if (live.emptySince !== null) return this.#withoutDyno(live.route, live.emptySince);
    const now = performance.now();
    const target = chooseTarget(live.targets, now);
    const { requestsPerTarget } = this.#state.limits;
    if (target.unanswered >= requestsPerTarget && live.targets.every((other) => other.unanswered >= requestsPerTarget)) return this.#fail(FAILURES.backlog);
    this.#target = target;
    target.enter(this);
    this.#since = now;
    const resting = fresh ? null : target.take(now, this.#mayRepeat() ? Infinity : this.#state.limits.freshMs);
    if (resting === null) {
      this.#phase = CONNECTING;
      this.#upstream = new UpstreamConnection(target, this);
    } else {
      resting.user = this;
      this.#upstream = resting;
      this.#send(resting);
    }
  }

  connected(connection: UpstreamConnection): void {
    const now = performance.now();
    this.#connectMs = now - this.#since;
    this.#since = now;
    this.#send(connection);
  }

  #send({ socket }: UpstreamConnection): void {
    const body = this.#body;
    if (body === null) {
      this.#phase = WAITING;
      socket.write(this.#requestHead, "latin1");
      return;
    }
    this.#phase = body.complete ? WAITING : SENDING;
    socket.cork();
    socket.write(this.#requestHead, "latin1");
    for (const part of body.kept) socket.write(part);
    socket.uncork();
    if (socket.writableLength > 0) keepOctets();
    body.sent();
    if (socket.writableNeedDrain) this.#client.pause();
    else this.#client.resume();
  }

  /** The octets that wait to be sent, for the first time or again, must not be overwritten. */
  #keepBody(): void {
    if (this.#body !== null && this.#body.kept.length > 0) keepOctets();
  }

  #sendFramed(body: RequestBody): void {
    // The app has answered and gone: the rest of the body is read for the next request's sake.
    if (this.#upstream === null) return;
    const { socket } = this.#upstream;
    if (body.framed.length > 1) socket.cork();
    for (const part of body.framed) socket.write(part);
    if (body.framed.length > 1) socket.uncork();
    if (socket.writableLength > 0) keepOctets();
    body.sent();
    if (socket.writableNeedDrain) this.#client.pause();
    if (body.complete && this.#phase === SENDING) {
      this.#phase = WAITING;
      this.#since = performance.now();
    }
  }

  drained(): void {
    this.#since = this.#phase === WAITING ? this.#since : this.#state.now;
    this.#client.resume();
  }

  closed(connection: UpstreamConnection, code: string | null): void {
    if (connection !== this.#upstream) return;
    if (this.#phase === CONNECTING) return this.#connectFailed(code ?? "ECONNRESET");
    if (this.#phase === TUNNEL) return this.#endTunnel();
    if (this.#phase === FINISHING) return this.#dropUpstream();
    this.#lost(connection, code);
  }

  ended(): void {
    this.#upstreamEnded = true;
    if (this.#phase === TUNNEL) {
      this.#client.socket.end();
      if (this.#clientEnded) this.#endTunnel();
      return;
    }
    if (this.#phase === RESPONDING && this.#relay.endedByClose()) return this.#complete();
    if (this.#phase === FINISHING) return this.#dropUpstream();
    const connection = this.#upstream!;
    connection.destroy();
    this.#lost(connection, null);
  }

  /** No connection came about: nothing was sent, so any request may go elsewhere. */
  #connectFailed(code: string): void {
    const now = performance.now();
    const { limits, table } = this.#state;
    this.#target!.setAsideUntil = now + limits.setAsideMs;
    this.#leaveTarget();
    const timedOut = code === "ETIMEDOUT";
    if (!timedOut && !REFUSED.has(code)) return this.#fail(FAILURES.internal);
    if (++this.#tries >= limits.refusedTries || now - this.#startedAt > limits.refusedMs * (timedOut ? 4 : 1))
      return this.#fail(timedOut ? FAILURES.connectTimeout : FAILURES.refused);
    const live = table.find(this.#head.host);
    if (live !== undefined && someAble(live.targets, now)) return this.#dispatch(true);
    if (timedOut) return this.#fail(FAILURES.connectTimeout);
    this.#hold(Math.min(10 * 2 ** this.#tries, 1_000, limits.refusedMs));
  }

  /** One that has just crashed is most likely started again in a moment; what was scaled to none, or is in maintenance, is not. */
  #withoutDyno({ unavailable }: Route, since: number): void {
    const left = since + this.#state.limits.refusedMs - performance.now();
    if (unavailable !== "H10" || left <= 0) return this.#fail(UNAVAILABLE[unavailable]);
    this.#hold(left);
  }

  /** No dyno takes it, perhaps for a moment (a restart): tried again, then or when the route changes, before the client hears of it. */
  #hold(delayMs: number): void {
    this.#phase = HOLDING;
    const again = (): void => {
      this.#stopHolding();
      this.#dispatch(false);
    };
    this.#holdTimer = setTimeout(again, delayMs);
    this.#stopWaiting = this.#state.table.onChange(this.#head.host, again);
  }

  #stopHolding(): void {
    if (this.#holdTimer !== null) clearTimeout(this.#holdTimer);
    this.#stopWaiting?.();
    this.#holdTimer = null;
    this.#stopWaiting = null;
  }

  /** An established connection closed under the request. */
  #lost(connection: UpstreamConnection, code: string | null): void {
    // RFC 9110 9.2.2, RFC 9112 9.3.1: a kept connection may close just as we send; once, and only when nothing came
    // back and the request may be repeated, that is no failure.
    if (this.#relay.untouched && connection.used > 0 && !this.#retried && this.#mayRepeat()) {
      this.#retried = true;
      this.#leaveTarget();
      return this.#dispatch(true);
    }
    if (this.#phase === RESPONDING) return this.#fail(FAILURES.interrupted);
    this.#fail(this.#relay.untouched || code !== null ? FAILURES.noResponse : FAILURES.badResponse);
  }

  #mayRepeat(): boolean {
    return IDEMPOTENT.has(this.#head.method) && (this.#body === null || this.#body.replayable) && !this.#head.websocket;
  }

  // --- Towards the client ---

  received(bytes: Buffer, end: number): void {
    this.#received += end;
    if (this.#phase >= RESPONDING) this.#since = this.#state.now;
    if (this.#phase === TUNNEL) {
      this.#client.socket.write(bytes.subarray(0, end));
      return this.#afterWrite();
    }
    if (this.#phase === FINISHING) return this.#dropUpstream();
    const found = this.#relay.receive(bytes, end, this.#body === null || this.#body.leftAtMost(FINISH_BYTES));
    if (found === MALFORMED) return this.#fail(FAILURES.badResponse);
    if (found === RESTRICTED) return this.#fail(FAILURES.restricted);
    if (this.#relay.started && this.#phase < RESPONDING) {
      this.#phase = found === SWITCHED ? TUNNEL : RESPONDING;
      this.#since = this.#state.now;
      this.#target!.answered(this);
    }
    this.#afterWrite();
    if (found === SWITCHED) this.#client.openTunnel();
    else if (found === COMPLETE) this.#complete();
  }

  /** Back-pressure: a client that does not keep up stops its app's connection, and no other. */
  #afterWrite(): void {
    const { socket } = this.#client;
    if (socket.writableLength > 0) this.#upstream!.keepBuffer();
    if (socket.writableNeedDrain) this.#upstream!.socket.pause();
  }

  /** All of the response was handed over. An app may answer before it has the whole request: a short rest is let pass. */
  #complete(): void {
    if (this.#body !== null && !this.#body.complete && this.#relay.keepClient) {
      this.#phase = FINISHING;
      this.#since = performance.now();
      if (!this.#relay.keepUpstream) this.#dropUpstream();
    } else {
      this.#finish();
    }
  }

  #finish(): void {
    const upstream = this.#upstream;
    const target = this.#target!;
    const requestComplete = this.#body === null || this.#body.complete;
    this.#phase = ENDED;
    this.#upstream = null;
    this.#leaveTarget();
    if (upstream !== null && this.#relay.keepUpstream && requestComplete && !upstream.socket.writableNeedDrain) {
      if (upstream.socket.isPaused()) upstream.socket.resume();
      target.rest(upstream, performance.now(), this.#relay.keepAliveSeconds);
    } else {
      upstream?.destroy();
    }
    this.#log(null, this.#relay.status);
    this.#client.answered(this.#relay.keepClient && requestComplete);
  }

  #dropUpstream(): void {
    this.#upstream?.destroy();
    this.#upstream = null;
    this.#client.resume();
  }

  /** Both sides of a WebSocket have sent their FIN, or one is gone. */
  #endTunnel(): void {
    if (this.#phase === ENDED) return;
    this.#upstream?.closeGently(this.#state.limits.lingerMs);
    this.#upstream = null;
    this.#letGo();
    this.#log(null, 101);
    this.#client.closeGently();
  }

  // --- The end ---

  /** The router's own answer, which is no failure. */
  #answer(answer: OwnAnswer): void {
    this.#letGo();
    this.#log(null, answer.status);
    this.#client.answer(answer, this.#mayKeep());
  }

  /** Whether the client's connection can carry another request when the router answers this one. */
  #mayKeep(): boolean {
    return this.#head.keepAlive && !this.#head.websocket && (this.#body === null || this.#body.complete) && !this.#state.closing;
  }

  #fail(failure: Failure): void {
    if (this.#phase === ENDED) return;
    const relay = this.#relay;
    this.#letGo();
    this.#log(failure, relay.started ? relay.status : failure.status);
    if (relay.started) return this.#client.breakOff(relay.endsWithClose);
    this.#client.fail(failure, this, this.#mayKeep() && failure.status !== 400);
  }

  #letGo(): void {
    this.#phase = ENDED;
    this.#stopHolding();
    this.#leaveTarget();
    const upstream = this.#upstream;
    this.#upstream = null;
    upstream?.destroy();
  }

  #leaveTarget(): void {
    const target = this.#target;
    if (target === null) return;
    target.leave(this);
    if (this.#phase !== ENDED) {
      const upstream = this.#upstream;
      this.#upstream = null;
      upstream?.destroy();
      this.#target = null;
    }
  }

  #log(failure: Failure | null, status: number): void {
    const log = this.#state.accessLog;
    if (log === null) return;
    const head = this.#head;
    const { address, secure } = this.#client;
    log.add(
      accessLine({
        failure,
        method: head.method,
        path: head.target,
        host: head.host,
        requestId: this.requestId,
        forwardedFor: head.forwardedFor === "" ? address : `${head.forwardedFor}, ${address}`,
        dyno: this.#target?.spec.dyno ?? "",
        connectMs: this.#connectMs,
        serviceMs: performance.now() - this.#startedAt - this.#connectMs,
        status,
        bytes: this.#received,
        secure,
      }),
    );
  }
}
