/** One client's connection: finds the heads in its octets and answers its requests one after another (RFC 9112 9.3). */

import { Socket } from "node:net";
import { readShared } from "./accepted-socket.ts";
import { accessLine } from "./access-log.ts";
import { errorResponse } from "./error-page.ts";
import { Exchange } from "./exchange.ts";
import { FAILURES, type Failure } from "./failure.ts";
import type { Protocol } from "./forward.ts";
import { type OwnAnswer, ownResponse } from "./own-answer.ts";
import { type Refusal, refusal } from "./refusal.ts";
import { RequestHead } from "./request-head.ts";
import { requestIdFor } from "./request-id.ts";
import type { RouterState } from "./router-state.ts";
import { copyOctets } from "./scratch.ts";
import type { Tunnel } from "./tunnel.ts";
import type { Line } from "./wire.ts";

const IDLE = 0;
const HEAD = 1;
const BUSY = 2;
const CLOSING = 3;

const HEAD_TOO_SLOW = refusal(408, "The head of the request did not come in time.");

export class ClientConnection {
  readonly socket: Line;
  readonly address: string;
  /** It came with TLS. */
  readonly secure: boolean;
  /** The field lines that are the same for each request of this connection. */
  readonly origin: string;
  readonly protocol: Protocol;
  readonly #state: RouterState;
  readonly #head = new RequestHead();
  #phase = IDLE;
  #since: number;
  /** The request that is being answered, or what it has become. */
  #exchange: Exchange | Tunnel | null = null;
  /** Octets that no request has taken yet. */
  #pending: Buffer | null = null;
  #paused = false;
  #advancing = false;

  constructor(state: RouterState, accepted: Socket | Line, address: string, port: number, secure: boolean) {
    this.#state = state;
    this.secure = secure;
    const socket = accepted instanceof Socket && !secure ? readShared(accepted, (bytes, end) => this.#received(bytes, end)) : accepted.on("data", (bytes: Buffer) => this.#received(bytes, bytes.length));
    this.socket = socket;
    this.protocol = accepted instanceof Socket ? "1.1" : "2.0";
    this.address = address;
    this.origin = `X-Forwarded-Proto: ${secure ? "https" : "http"}\r\nX-Forwarded-Port: ${port}\r\n`;
    this.#since = state.now;
    socket.on("drain", () => this.#drained());
    socket.on("end", () => this.#ended());
    socket.on("error", () => {});
    socket.on("close", () => this.#exchange?.clientGone());
  }

  get busy(): boolean {
    return this.#phase === BUSY;
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.socket.resume();
  }

  /** The exchange is over; `keep`: the connection may carry another request. */
  answered(keep: boolean): void {
    this.#exchange = null;
    this.#head.release();
    if (!keep) return this.closeGently();
    this.#phase = IDLE;
    this.#since = this.#state.now;
    this.resume();
    if (this.#pending !== null && !this.#advancing) this.#advancePending();
  }

  /** Answers with the router's own page. */
  fail(failure: Failure, exchange: Exchange, keep: boolean): void {
    const head = this.#head;
    const route = this.#state.table.find(head.host)?.route;
    const frame = failure.code === "H80" ? route?.maintenancePage : failure.status >= 500 ? route?.errorPage : "";
    const text = errorResponse({ failure, accept: head.accept, toHead: head.method === "HEAD", connection: this.#lastWord(keep), requestId: exchange.requestId, frame: frame ?? "" });
    this.socket.write(text);
    this.answered(keep);
  }

  /** The router's own answer where nothing failed. */
  answer(answer: OwnAnswer, keep: boolean): void {
    this.socket.write(ownResponse(answer, this.#head.method === "HEAD", this.#lastWord(keep)));
    this.answered(keep);
  }

  /** Octets that waited for the 101 belong to the tunnel now. */
  openTunnel(tunnel: Tunnel): void {
    this.#exchange = tunnel;
    const waiting = this.#pending;
    this.#pending = null;
    this.resume();
    if (waiting !== null) tunnel.fromClient(waiting);
  }

  /** Ends the response that cannot be completed, so that the client sees it; `reset` where a FIN would look like its end. */
  breakOff(reset: boolean): void {
    this.#exchange = null;
    if (reset) this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  /** Sends what is written, then FIN, and swallows what still comes: a RST would take the answer away (RFC 9112 9.6). */
  closeGently(): void {
    this.#exchange = null;
    this.#pending = null;
    this.#phase = CLOSING;
    this.#since = this.#state.now;
    this.socket.end();
    this.resume();
  }

  destroy(): void {
    this.#exchange = null;
    this.socket.destroy();
  }

  /** Closes it unless a request is in flight (whose response then says that it is the last). */
  retire(): void {
    if (this.#phase === IDLE) this.closeGently();
  }

  tick(now: number): void {
    const { limits } = this.#state;
    const waited = now - this.#since;
    if (this.#phase === BUSY) this.#exchange?.tick(now);
    else if (this.#phase === HEAD && waited > limits.headMs) this.#refuse(HEAD_TOO_SLOW);
    else if (this.#phase === IDLE && waited > limits.clientIdleMs) this.socket.destroy();
    else if (this.#phase === CLOSING && waited > (this.socket.writableLength > 0 ? limits.rollingMs : limits.lingerMs)) this.socket.destroy();
  }

  /** What an answer of the router's says about the connection: an HTTP/1.0 client is told that it is kept. */
  #lastWord(keep: boolean): "close" | "keep-alive" | null {
    return !keep ? "close" : this.#head.minor === 0 ? "keep-alive" : null;
  }

  #received(bytes: Buffer, end: number): void {
    if (this.#phase === CLOSING) return;
    const exchange = this.#exchange;
    if (exchange === null && this.#pending === null) return this.#advance(bytes, end);
    if (exchange !== null) {
      // What the exchange needs beyond this call must not lie in the shared buffer.
      const taken = exchange.wantsOctets ? exchange.fromClient(copyOctets(bytes, 0, end)) : 0;
      if (taken === end) return;
      const rest = Buffer.from(bytes.subarray(taken, end));
      // Its last octets may have been what the exchange was waiting for: then the next request begins here.
      return this.#exchange === null && this.#phase === IDLE ? this.#advance(rest, rest.length) : this.#wait(rest);
    }
    const octets = bytes.subarray(0, end);
    this.#pending = Buffer.concat([this.#pending!, octets]);
    // A head in pieces is read again from its start, but only when a line has ended or is too long.
    if (!octets.includes(10) && this.#pending.length <= this.#state.limits.fieldLineBytes) return;
    this.#advancePending();
  }

  /** Keeps octets for later: pipelined requests, or what was sent behind an Upgrade. */
  #wait(bytes: Buffer): void {
    if (this.#phase === CLOSING) return;
    this.#pending = this.#pending === null ? bytes : Buffer.concat([this.#pending, bytes]);
    if (this.#pending.length >= this.#state.limits.pipelineBytes) this.pause();
  }

  #advancePending(): void {
    const waiting = this.#pending!;
    this.#pending = null;
    this.#advance(waiting, waiting.length);
  }

  /** Starts the requests in `bytes`, one at a time, while the client takes the answers; keeps what is left. */
  #advance(bytes: Buffer, end: number): void {
    this.#advancing = true;
    let rest = bytes;
    let left = end;
    while (left > 0 && this.#exchange === null && this.#phase !== CLOSING && !this.socket.writableNeedDrain) {
      const size = this.#head.parse(rest, left, this.#state.limits);
      if (size === -1) this.#refuse(this.#head.refusal);
      if (size <= 0) break;
      // The common case: one request, and nothing behind its head.
      if (size < left) rest = rest.subarray(size, left);
      left -= size;
      const taken = this.#begin(rest, left);
      if (taken > 0) rest = rest.subarray(taken);
      left -= taken;
    }
    this.#advancing = false;
    if (left === 0 || this.#phase === CLOSING) return;
    // What is kept beyond this call must not lie in the shared buffer.
    const kept = Buffer.from(rest.subarray(0, left));
    if (this.#exchange !== null || this.socket.writableNeedDrain) return this.#wait(kept);
    // A head in pieces: bounded by the parser.
    this.#pending = kept;
    if (this.#phase !== IDLE) return;
    this.#phase = HEAD;
    this.#since = this.#state.now;
  }

  /** Starts the exchange of the head just parsed; returns how many of the octets behind it were its body. */
  #begin(behind: Buffer, size: number): number {
    const exchange = new Exchange(this.#state, this, this.#head, performance.now());
    this.#phase = BUSY;
    this.#exchange = exchange;
    const taken = size > 0 && exchange.wantsOctets ? exchange.fromClient(copyOctets(behind, 0, size)) : 0;
    exchange.start();
    return taken;
  }

  /** Answers a request that was not understood and closes: where the next one would begin is not known. */
  #refuse(why: Refusal): void {
    const failure: Failure = { ...FAILURES.badRequest, status: why.status, sentence: why.sentence };
    const requestId = requestIdFor("");
    this.#state.accessLog?.add(
      accessLine({
        failure, method: "", path: "", host: "", requestId, forwardedFor: this.address, dyno: "",
        connectMs: 0, serviceMs: 0, status: why.status, bytes: 0, secure: this.secure,
      }),
    );
    this.socket.write(errorResponse({ failure, accept: "", toHead: false, connection: "close", requestId, frame: "" }));
    this.closeGently();
  }

  #drained(): void {
    if (this.#exchange !== null) this.#exchange.clientDrained();
    else if (this.#phase === CLOSING) this.#since = this.#state.now;
    else if (this.#pending !== null) {
      this.resume();
      this.#advancePending();
    }
  }

  #ended(): void {
    if (this.#exchange !== null) this.#exchange.clientEnded();
    else if (this.#phase !== CLOSING) this.closeGently();
  }
}
