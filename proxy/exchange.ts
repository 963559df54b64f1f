/**
 * One request and its response on their way: sent to the dyno that dispatch.ts finds, waited for, handed back, let go. It ends
 * exactly once, in `#complete` (all well), `fail` (the router answers), `clientGone`, or as a tunnel.
 */

import { accessLine } from "./access-log.ts";
import { Dispatch, type Dispatched } from "./dispatch.ts";
import { FAILURES, type Failure } from "./failure.ts";
import { type Sender, requestHeadForApp } from "./forward.ts";
import { LENGTH, NO_BODY } from "./framing.ts";
import { type OwnAnswer, challengeAnswer, redirectToTls } from "./own-answer.ts";
import { RequestBody } from "./request-body.ts";
import { requestIdFor } from "./request-id.ts";
import type { RequestHead } from "./request-head.ts";
import { COMPLETE, MALFORMED, RESTRICTED, ResponseRelay, SWITCHED } from "./response-relay.ts";
import type { Route } from "./route.ts";
import type { RouterState } from "./router-state.ts";
import { keepOctets } from "./scratch.ts";
import { Tunnel, type TunnelClient } from "./tunnel.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";

// Where it stands.
/** A dyno is being found: see dispatch.ts. */
const DISPATCHING = 0;
const SENDING = 1;
const WAITING = 2;
const RESPONDING = 3;
/** The response is over, the rest of the request's body is still coming. */
const FINISHING = 4;
const ENDED = 5;

/** Methods that may be sent again (RFC 9110 9.2.2). */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);
/** The rest of a body up to this size is waited for when its answer is out already. */
const FINISH_BYTES = 1_048_576;
const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

/** The connection that the request came on and its response goes to, as far as one request may act on it. */
export type ExchangeClient = TunnelClient & Sender & {
  /** It came with TLS. */
  readonly secure: boolean;
  /** The response is out; `keep` where another request may follow. */
  answered(keep: boolean): void;
  fail(failure: Failure, exchange: Exchange, keep: boolean): void;
  answer(answer: OwnAnswer, keep: boolean): void;
  /** What comes from now on is the tunnel's. */
  openTunnel(tunnel: Tunnel): void;
};

export class Exchange implements Dispatched {
  readonly requestId: string;
  readonly #state: RouterState;
  readonly #client: ExchangeClient;
  readonly #head: RequestHead;
  readonly #body: RequestBody | null;
  readonly #startedAt: number;
  readonly #requestHead: string;
  readonly #dispatch: Dispatch;
  readonly #relay: ResponseRelay;

  #phase = DISPATCHING;
  #since: number;
  #begun = false;
  #received = 0;

  constructor(state: RouterState, client: ExchangeClient, head: RequestHead, now: number) {
    this.#state = state;
    this.#client = client;
    this.#head = head;
    this.#startedAt = now;
    this.#since = now;
    this.#dispatch = new Dispatch(state, this, head.host, now);
    this.#relay = new ResponseRelay(state, client.socket, head);
    this.requestId = requestIdFor(head.requestId);
    this.#body = head.body === NO_BODY || (head.body === LENGTH && head.length === 0) ? null : new RequestBody(head.body, head.length, state.limits.replayBytes, IDEMPOTENT.has(head.method));
    this.#requestHead = requestHeadForApp(head, client, this.requestId, Math.round(performance.timeOrigin + now));
  }

  /** Whether the octets that come from the client are still this request's. */
  get wantsOctets(): boolean {
    return this.#body !== null && !this.#body.complete && this.#phase !== ENDED;
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
    this.#dispatch.go(false, this.#startedAt);
    this.#keepBody();
    if (waits && this.#phase < RESPONDING) this.#client.socket.write(CONTINUE, "latin1");
  }

  /** Octets of the body; returns how many were this request's. */
  fromClient(bytes: Buffer): number {
    if (this.#phase >= SENDING && this.#phase !== WAITING) this.#since = this.#state.now;
    const body = this.#body!;
    const behind = body.read(bytes, 0);
    if (body.malformed) {
      this.fail(FAILURES.badRequest);
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
    this.#dispatch.connection?.socket.resume();
  }

  /** FIN from the client is an abort, as nginx and Heroku read it. */
  clientEnded(): void {
    this.clientGone();
  }

  /** The client's connection is closed or must be: the app's side is aborted at once. */
  clientGone(): void {
    if (this.#phase === ENDED) return;
    const finished = this.#phase === FINISHING;
    this.#letGo();
    this.#log(finished ? null : FAILURES.clientGone, this.#relay.started ? this.#relay.status : 499);
    this.#client.destroy();
  }

  /** The end of a drain. */
  cut(): void {
    if (this.#phase === FINISHING) this.#finish();
    else this.fail(FAILURES.drained);
  }

  /** Looks at the clock; called a few times a second. */
  tick(now: number): void {
    const { limits } = this.#state;
    const waited = now - this.#since;
    switch (this.#phase) {
      case DISPATCHING: this.#dispatch.tick(now); break;
      case SENDING: if (waited > limits.rollingMs) this.fail(this.#dispatch.connection!.socket.writableNeedDrain ? FAILURES.idle : FAILURES.clientIdle); break;
      case WAITING: if (waited > limits.firstByteMs) this.fail(FAILURES.firstByte); break;
      case RESPONDING: if (waited > limits.rollingMs) this.fail(this.#client.socket.writableNeedDrain ? FAILURES.clientIdle : FAILURES.idle); break;
      case FINISHING: if (waited > limits.lingerMs) this.#finish(); break;
    }
  }

  // --- Towards the app ---

  /** It may be sent again (RFC 9110 9.2.2). */
  get repeatable(): boolean {
    return IDEMPOTENT.has(this.#head.method) && (this.#body === null || this.#body.replayable) && !this.#head.websocket;
  }

  follows(route: Route): boolean {
    const { secure } = this.#client;
    const { tlsPort } = this.#state;
    if (route.redirectToTls && !secure && tlsPort !== null) {
      this.#answer(redirectToTls(this.#head, tlsPort));
      return false;
    }
    if (route.hstsSeconds > 0 && secure) this.#relay.fields = `Strict-Transport-Security: max-age=${route.hstsSeconds}\r\n`;
    return true;
  }

  connected(): void {
    this.#dispatch.connected();
  }

  send({ socket }: UpstreamConnection, now: number): void {
    const body = this.#body;
    this.#since = now;
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
    const { connection } = this.#dispatch;
    if (connection === null) return;
    const { socket } = connection;
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
    if (connection !== this.#dispatch.connection) return;
    if (this.#phase === DISPATCHING) return this.#dispatch.connectFailed(code ?? "ECONNRESET");
    if (this.#phase === FINISHING) return this.#dropUpstream();
    this.#lost(code);
  }

  ended(): void {
    if (this.#phase === RESPONDING && this.#relay.endedByClose()) return this.#complete();
    if (this.#phase === FINISHING) return this.#dropUpstream();
    this.#dispatch.connection!.destroy();
    this.#lost(null);
  }

  /** An established connection closed under the request. */
  #lost(code: string | null): void {
    if (this.#relay.untouched && this.#dispatch.mayRetry) {
      this.#phase = DISPATCHING;
      return this.#dispatch.retry();
    }
    if (this.#phase === RESPONDING) return this.fail(FAILURES.interrupted);
    this.fail(this.#relay.untouched || code !== null ? FAILURES.noResponse : FAILURES.badResponse);
  }

  // --- Towards the client ---

  received(bytes: Buffer, end: number): void {
    this.#received += end;
    if (this.#phase >= RESPONDING) this.#since = this.#state.now;
    if (this.#phase === FINISHING) return this.#dropUpstream();
    const found = this.#relay.receive(bytes, end, this.#body === null || this.#body.leftAtMost(FINISH_BYTES));
    if (found === MALFORMED) return this.fail(FAILURES.badResponse);
    if (found === RESTRICTED) return this.fail(FAILURES.restricted);
    if (this.#relay.started && this.#phase < RESPONDING) {
      this.#phase = RESPONDING;
      this.#since = this.#state.now;
      this.#dispatch.answered();
    }
    this.#afterWrite();
    if (found === SWITCHED) this.#openTunnel();
    else if (found === COMPLETE) this.#complete();
  }

  /** Back-pressure: a client that does not keep up stops its app's connection, and no other. */
  #afterWrite(): void {
    const { socket } = this.#client;
    const connection = this.#dispatch.connection!;
    if (socket.writableLength > 0) connection.keepBuffer();
    if (socket.writableNeedDrain) connection.socket.pause();
  }

  #openTunnel(): void {
    this.#phase = ENDED;
    const before = this.#received;
    const log = (failure: Failure | null, received: number): void => this.#log(failure, 101, before + received);
    this.#client.openTunnel(new Tunnel(this.#state, this.#client, this.#dispatch, log));
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
    const { connection } = this.#dispatch;
    const requestComplete = this.#body === null || this.#body.complete;
    const now = performance.now();
    this.#phase = ENDED;
    if (connection !== null && this.#relay.keepUpstream && requestComplete && !connection.socket.writableNeedDrain) this.#dispatch.rest(this.#relay.keepAliveSeconds, now);
    else this.#dispatch.end();
    this.#log(null, this.#relay.status, this.#received, now);
    this.#client.answered(this.#relay.keepClient && requestComplete);
  }

  #dropUpstream(): void {
    this.#dispatch.dropConnection();
    this.#client.resume();
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

  fail(failure: Failure): void {
    if (this.#phase === ENDED) return;
    const relay = this.#relay;
    this.#letGo();
    this.#log(failure, relay.started ? relay.status : failure.status);
    if (relay.started) return this.#client.breakOff(relay.endsWithClose);
    this.#client.fail(failure, this, this.#mayKeep() && failure.status !== 400);
  }

  #letGo(): void {
    this.#phase = ENDED;
    this.#dispatch.end();
  }

  #log(failure: Failure | null, status: number, received = this.#received, now = performance.now()): void {
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
        dyno: this.#dispatch.target?.spec.dyno ?? "",
        connectMs: this.#dispatch.connectMs,
        serviceMs: now - this.#startedAt - this.#dispatch.connectMs,
        status,
        bytes: received,
        secure,
      }),
    );
  }
}
