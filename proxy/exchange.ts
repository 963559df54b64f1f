/**
 * One request and its response on their way: find a dyno, send, wait, hand back, let go. It ends exactly once, in
 * `#finish` (all well), `#fail` (the router answers) or `clientGone`.
 */

import type { Socket } from "node:net";
import { accessLine } from "./access-log.ts";
import { chooseTarget, someAble } from "./balance.ts";
import { FAILURES, type Failure, UNAVAILABLE } from "./failure.ts";
import { interimHeadForClient, requestHeadForApp, responseHeadForClient, switchingHeadForClient } from "./forward.ts";
import { BodyReader, CHUNKED, CHUNK_END, LAST_CHUNK, LENGTH, NO_BODY, UNTIL_CLOSE, chunkStart } from "./framing.ts";
import type { InFlight, LiveTarget } from "./live-target.ts";
import { RequestBody } from "./request-body.ts";
import { requestIdFor } from "./request-id.ts";
import type { RequestHead } from "./request-head.ts";
import { UpstreamConnection, type UpstreamUser } from "./upstream-connection.ts";
import type { RouterState } from "./router-state.ts";

// Where it stands.
const HOLDING = 0;
const CONNECTING = 1;
const SENDING = 2;
const WAITING = 3;
const RESPONDING = 4;
const TUNNEL = 5;
const ENDED = 6;

/** Methods that may be sent again (RFC 9110 9.2.2). */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);
/** Connect errors that mean: no byte reached the app. */
const REFUSED = new Set(["ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENETDOWN", "EPIPE"]);
/** A body up to this size is written in one piece with its head. */
const SMALL_BODY = 8_192;
const INTERIM_MAX = 10;
const CONTINUE_MAX = 2;
const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

/** The connection that the request came on and its response goes to, as far as one request may act on it. */
export type ExchangeClient = {
  readonly socket: Socket;
  readonly address: string;
  /** Field lines that are the same for each request of this connection. */
  readonly origin: string;
  pause(): void;
  resume(): void;
  /** The response is out; `keep` where another request may follow. */
  answered(keep: boolean): void;
  fail(failure: Failure, exchange: Exchange, keep: boolean): void;
  openTunnel(): void;
  breakOff(reset: boolean): void;
  closeGently(): void;
  destroy(): void;
};

export class Exchange implements UpstreamUser, InFlight {
  readonly requestId: string;
  slot = -1;
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
  #holdTimer: NodeJS.Timeout | null = null;
  #tries = 0;
  #retried = false;
  #connectMs = 0;

  #partial: Buffer | null = null;
  #interims = 0;
  #continues = 0;
  #response: BodyReader | null = null;
  #untilClose = false;
  #chunkedOut = false;
  #keepClient = true;
  #keepUpstream = false;
  #keepAliveSeconds = 0;
  #status = 0;
  #received = 0;
  #clientEnded = false;
  #upstreamEnded = false;

  constructor(state: RouterState, client: ExchangeClient, head: RequestHead, now: number) {
    this.#state = state;
    this.#client = client;
    this.#head = head;
    this.#startedAt = now;
    this.#since = now;
    this.requestId = requestIdFor(head.requestId);
    this.#body = head.body === NO_BODY || (head.body === LENGTH && head.length === 0) ? null : new RequestBody(head.body, head.length, state.limits.replayBytes);
    this.#requestHead = requestHeadForApp(head, client.address, client.origin, this.requestId, Math.round(performance.timeOrigin + now));
  }

  /** Whether the octets that come from the client are still this request's. */
  get wantsOctets(): boolean {
    return this.#phase === TUNNEL || (this.#body !== null && !this.#body.complete && this.#phase !== ENDED);
  }

  /** Begins, after the octets that came with the head were given to `fromClient`. */
  start(): void {
    if (this.#phase === ENDED) return;
    const live = this.#state.table.find(this.#head.host);
    const failure = live === undefined ? FAILURES.noSuchHost : live.targets.length === 0 ? UNAVAILABLE[live.route.unavailable] : null;
    if (failure !== null) return this.#fail(failure);
    // RFC 9110 10.1.1: answered here, so that no app has to; not when the body is on its way already.
    if (this.#head.expectContinue && this.#body?.kept.length === 0 && !this.#body.complete) this.#client.socket.write(CONTINUE, "latin1");
    this.#dispatch(false);
  }

  /** Octets of the body or the tunnel; returns how many were this request's. */
  fromClient(bytes: Buffer): number {
    this.#since = this.#phase === SENDING || this.#phase === TUNNEL ? this.#state.now : this.#since;
    if (this.#phase === TUNNEL) {
      if (!this.#upstream!.socket.write(bytes)) this.#client.pause();
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
    const finished = this.#phase === TUNNEL;
    this.#letGo();
    this.#log(finished ? null : FAILURES.clientGone, this.#status === 0 ? 499 : this.#status);
    this.#client.destroy();
  }

  /** The end of a drain: see `LiveTarget.cutAll`. */
  cut(): void {
    if (this.#phase !== TUNNEL) return this.#fail(FAILURES.drained);
    this.#upstream!.socket.end();
    this.#letGo();
    this.#log(null, 101);
    this.#client.closeGently();
  }

  /** Looks at the clock; called a few times a second. */
  tick(now: number): void {
    const { limits } = this.#state;
    const waited = now - this.#since;
    switch (this.#phase) {
      case CONNECTING: if (waited > limits.connectMs) this.#connectFailed("ETIMEDOUT"); break;
      case SENDING: if (waited > limits.rollingMs) this.#fail(FAILURES.clientIdle); break;
      case WAITING: if (waited > limits.firstByteMs) this.#fail(FAILURES.firstByte); break;
      case RESPONDING: if (waited > limits.rollingMs) this.#fail(this.#client.socket.writableNeedDrain ? FAILURES.clientIdle : FAILURES.idle); break;
      case TUNNEL: if (waited > limits.rollingMs) this.#fail(FAILURES.idle); break;
    }
  }

  // --- Towards the app ---

  /** Chooses a dyno and sends. The table is asked at each try, so that a request that had to wait follows a flip. */
  #dispatch(fresh: boolean): void {
    const live = this.#state.table.find(this.#head.host);
    if (live === undefined) return this.#fail(FAILURES.noSuchHost);
    if (live.targets.length === 0) return this.#fail(UNAVAILABLE[live.route.unavailable]);
    const now = performance.now();
    const target = chooseTarget(live.targets, now);
    if (target.load >= this.#state.limits.requestsPerTarget && live.targets.every((other) => other.load >= this.#state.limits.requestsPerTarget))
      return this.#fail(FAILURES.backlog);
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
    body.sent();
    if (socket.writableNeedDrain) this.#client.pause();
    else this.#client.resume();
  }

  #sendFramed(body: RequestBody): void {
    const { socket } = this.#upstream!;
    if (body.framed.length > 1) socket.cork();
    for (const part of body.framed) socket.write(part);
    if (body.framed.length > 1) socket.uncork();
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
    this.#lost(connection, code);
  }

  ended(): void {
    this.#upstreamEnded = true;
    if (this.#phase === TUNNEL) {
      this.#client.socket.end();
      if (this.#clientEnded) this.#endTunnel();
      return;
    }
    if (this.#phase === RESPONDING && this.#untilClose) return this.#complete();
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

  /** Every dyno refuses, perhaps for a moment (a restart): tried again before the client hears of it. */
  #hold(delayMs: number): void {
    this.#phase = HOLDING;
    this.#holdTimer = setTimeout(() => this.#dispatch(false), delayMs);
  }

  /** An established connection closed under the request. */
  #lost(connection: UpstreamConnection, code: string | null): void {
    const untouched = (this.#phase === SENDING || this.#phase === WAITING) && this.#partial === null && this.#interims + this.#continues === 0;
    // RFC 9110 9.2.2, RFC 9112 9.3.1: a kept connection may close just as we send; once, and only when nothing came
    // back and the request may be repeated, that is no failure.
    if (untouched && connection.used > 0 && !this.#retried && this.#mayRepeat()) {
      this.#retried = true;
      this.#leaveTarget();
      return this.#dispatch(true);
    }
    if (this.#phase === RESPONDING) return this.#fail(FAILURES.interrupted);
    this.#fail(this.#partial !== null && code === null ? FAILURES.badResponse : FAILURES.noResponse);
  }

  #mayRepeat(): boolean {
    return IDEMPOTENT.has(this.#head.method) && (this.#body === null || this.#body.replayable) && !this.#head.websocket;
  }

  // --- Towards the client ---

  received(bytes: Buffer, end: number): void {
    this.#received += end;
    if (this.#phase === RESPONDING) {
      this.#since = this.#state.now;
      return this.#responseOctets(bytes, 0, end);
    }
    if (this.#phase === TUNNEL) {
      this.#since = this.#state.now;
      return this.#afterWrite(this.#client.socket.write(bytes.subarray(0, end)));
    }
    if (this.#partial === null) return this.#responseHead(bytes, end);
    // A head in pieces: read again from its start, but only when a line has ended.
    const whole = Buffer.concat([this.#partial, bytes.subarray(0, end)]);
    if (whole.length <= this.#state.limits.responseHeadBytes && !bytes.subarray(0, end).includes(10)) this.#partial = whole;
    else this.#responseHead(whole, whole.length);
  }

  #responseHead(bytes: Buffer, end: number): void {
    const head = this.#state.responseHead;
    let from = 0;
    for (;;) {
      const behind = from === end ? 0 : head.parse(bytes, from, end, this.#head.method === "HEAD");
      if (behind === -1) return this.#fail(head.bad === "restricted" ? FAILURES.restricted : FAILURES.badResponse);
      if (behind === 0) {
        this.#partial = from === end ? null : Buffer.from(bytes.subarray(from, end));
        return;
      }
      if (head.status >= 200) return this.#finalHead(bytes, behind, end);
      if (head.status === 101) return this.#switch(bytes, behind, end);
      if (!this.#interim(bytes)) return this.#fail(FAILURES.badResponse);
      from = behind;
    }
  }

  /** RFC 9110 15.2: interim responses are passed on, but for the 100 that the router has said itself. */
  #interim(bytes: Buffer): boolean {
    const head = this.#state.responseHead;
    if (head.status === 100) return ++this.#continues <= CONTINUE_MAX;
    if (this.#head.minor === 1) this.#client.socket.write(interimHeadForClient(bytes, head), "latin1");
    return ++this.#interims <= INTERIM_MAX;
  }

  #finalHead(bytes: Buffer, from: number, end: number): void {
    const head = this.#state.responseHead;
    const http10 = this.#head.minor === 0;
    const unknownLength = head.body === CHUNKED || head.body === UNTIL_CLOSE;
    this.#partial = null;
    this.#status = head.status;
    this.#untilClose = head.body === UNTIL_CLOSE;
    this.#chunkedOut = unknownLength && !http10;
    // A request whose body is still coming is not waited for; octets behind a refused Upgrade are never a request.
    this.#keepClient = this.#head.keepAlive && !this.#head.websocket && !this.#state.closing && !(unknownLength && http10) && (this.#body === null || this.#body.complete);
    this.#keepUpstream = head.keepAlive && !this.#head.websocket;
    this.#keepAliveSeconds = head.keepAliveSeconds;
    const text = responseHeadForClient(bytes, head, { chunked: this.#chunkedOut, close: !this.#keepClient, http10 });
    this.#phase = RESPONDING;
    this.#since = this.#state.now;
    this.#firstOctets(text, bytes, from, end);
  }

  /** The head and what came with it, in one write; a small whole response never touches the body reader. */
  #firstOctets(text: string, bytes: Buffer, from: number, end: number): void {
    const { body, length } = this.#state.responseHead;
    const { socket } = this.#client;
    const here = end - from;
    if (body === NO_BODY || (body === LENGTH && length <= here && length <= SMALL_BODY)) {
      const size = body === NO_BODY ? 0 : length;
      socket.write(size === 0 ? text : text + bytes.toString("latin1", from, from + size), "latin1");
      if (size < here) this.#keepUpstream = false;
      return this.#complete();
    }
    this.#response = new BodyReader(body, length);
    if (here === 0) return this.#afterWrite(socket.write(text, "latin1"));
    socket.cork();
    socket.write(text, "latin1");
    this.#responseOctets(bytes, from, end);
    socket.uncork();
    if (this.#phase === RESPONDING) this.#afterWrite(!socket.writableNeedDrain);
    else this.#keepOctets();
  }

  #responseOctets(bytes: Buffer, from: number, end: number): void {
    const reader = this.#response!;
    const behind = reader.read(bytes, from, end);
    if (reader.malformed) return this.#fail(FAILURES.badResponse);
    const { socket } = this.#client;
    let flushed = true;
    if (this.#chunkedOut) flushed = this.#writeChunk(reader);
    else for (const part of reader.parts) flushed = socket.write(part);
    if (reader.done) {
      if (behind < end) this.#keepUpstream = false;
      this.#keepOctets();
      return this.#complete();
    }
    this.#afterWrite(flushed);
  }

  #writeChunk({ parts, size, done }: BodyReader): boolean {
    const { socket } = this.#client;
    if (size === 0) return done ? socket.write(LAST_CHUNK, "latin1") : true;
    const tail = done ? CHUNK_END + LAST_CHUNK : CHUNK_END;
    if (size <= SMALL_BODY) {
      let text = chunkStart(size);
      for (const part of parts) text += part.toString("latin1", 0, part.length);
      return socket.write(text + tail, "latin1");
    }
    socket.cork();
    socket.write(chunkStart(size), "latin1");
    for (const part of parts) socket.write(part);
    const flushed = socket.write(tail, "latin1");
    socket.uncork();
    return flushed;
  }

  /** Back-pressure: a client that does not keep up stops its app's connection, and no other. */
  #afterWrite(flushed: boolean): void {
    if (this.#client.socket.writableLength > 0) this.#upstream?.keepBuffer();
    if (!flushed) this.#upstream?.socket.pause();
  }

  #keepOctets(): void {
    if (this.#client.socket.writableLength > 0) this.#upstream?.keepBuffer();
  }

  /** All of the response was handed over. */
  #complete(): void {
    if (this.#untilClose && this.#chunkedOut) this.#client.socket.write(LAST_CHUNK, "latin1");
    const upstream = this.#upstream!;
    const target = this.#target!;
    const requestComplete = this.#body === null || this.#body.complete;
    this.#phase = ENDED;
    this.#upstream = null;
    this.#leaveTarget();
    if (this.#keepUpstream && requestComplete && !upstream.socket.writableNeedDrain) {
      if (upstream.socket.isPaused()) upstream.socket.resume();
      target.rest(upstream, performance.now(), this.#keepAliveSeconds);
    } else {
      upstream.destroy();
    }
    this.#log(null, this.#status);
    this.#client.answered(this.#keepClient && requestComplete);
  }

  // --- WebSocket (RFC 6455) ---

  #switch(bytes: Buffer, from: number, end: number): void {
    const head = this.#state.responseHead;
    if (!this.#head.websocket || !head.websocket) return this.#fail(FAILURES.badResponse);
    this.#phase = TUNNEL;
    this.#status = 101;
    this.#since = this.#state.now;
    const { socket } = this.#client;
    const text = switchingHeadForClient(bytes, head);
    const flushed = socket.write(from < end ? text + bytes.toString("latin1", from, end) : text, "latin1");
    this.#afterWrite(flushed);
    this.#client.openTunnel();
  }

  #endTunnel(): void {
    if (this.#phase === ENDED) return;
    this.#upstream?.socket.end();
    this.#letGo();
    this.#log(null, 101);
    this.#client.closeGently();
  }

  // --- The end ---

  #fail(failure: Failure): void {
    if (this.#phase === ENDED) return;
    const started = this.#phase === RESPONDING || this.#phase === TUNNEL;
    this.#letGo();
    this.#log(failure, started ? this.#status : failure.status);
    // A body that only the close would end must not look whole: RST instead of FIN.
    if (started) return this.#client.breakOff(this.#response !== null && !this.#chunkedOut && this.#response.left === -1);
    const keep = this.#head.keepAlive && !this.#head.websocket && (this.#body === null || this.#body.complete) && failure.status !== 400;
    this.#client.fail(failure, this, keep && !this.#state.closing);
  }

  #letGo(): void {
    this.#phase = ENDED;
    if (this.#holdTimer !== null) clearTimeout(this.#holdTimer);
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
    const { address } = this.#client;
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
      }),
    );
  }
}
