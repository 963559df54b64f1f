/** One client's connection: finds the heads in its octets and answers its requests one after another (RFC 9112 9.3). */

import type { Socket } from "node:net";
import { accessLine } from "./access-log.ts";
import { errorResponse } from "./error-page.ts";
import { Exchange } from "./exchange.ts";
import { FAILURES, type Failure } from "./failure.ts";
import { type Refusal, refusal } from "./refusal.ts";
import { RequestHead } from "./request-head.ts";
import { requestIdFor } from "./request-id.ts";
import type { RouterState } from "./router-state.ts";

const IDLE = 0;
const HEAD = 1;
const BUSY = 2;
const CLOSING = 3;

const HEAD_TOO_SLOW = refusal(408, "The head of the request did not come in time.");

export class ClientConnection {
  readonly socket: Socket;
  readonly address: string;
  /** The field lines that are the same for each request of this connection. */
  readonly origin: string;
  readonly #state: RouterState;
  readonly #head = new RequestHead();
  #phase = IDLE;
  #since: number;
  #exchange: Exchange | null = null;
  /** Octets that no request has taken yet. */
  #pending: Buffer | null = null;
  #paused = false;
  #advancing = false;

  constructor(state: RouterState, socket: Socket, address: string, port: number) {
    this.#state = state;
    this.socket = socket;
    this.address = address;
    this.origin = `X-Forwarded-Proto: http\r\nX-Forwarded-Port: ${port}\r\n`;
    this.#since = state.now;
    socket.on("data", (bytes: Buffer) => this.#received(bytes));
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
    if (this.#pending !== null && !this.#advancing) this.#advance();
  }

  /** Answers with the router's own page. */
  fail(failure: Failure, exchange: Exchange, keep: boolean): void {
    const head = this.#head;
    const connection = !keep ? "close" : head.minor === 0 ? "keep-alive" : null;
    const text = errorResponse({ failure, accept: head.accept, toHead: head.method === "HEAD", connection, requestId: exchange.requestId });
    this.socket.write(text);
    this.answered(keep);
  }

  /** Octets that waited for the 101 belong to the tunnel now. */
  openTunnel(): void {
    const waiting = this.#pending;
    this.#pending = null;
    this.resume();
    if (waiting !== null) this.#exchange!.fromClient(waiting);
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

  #received(bytes: Buffer): void {
    if (this.#phase === CLOSING) return;
    const exchange = this.#exchange;
    if (exchange !== null) {
      const taken = exchange.wantsOctets ? exchange.fromClient(bytes) : 0;
      if (taken < bytes.length) this.#wait(taken === 0 ? bytes : bytes.subarray(taken));
      return;
    }
    if (this.#pending === null) {
      this.#pending = bytes;
    } else {
      this.#pending = Buffer.concat([this.#pending, bytes]);
      // A head in pieces is read again from its start, but only when a line has ended or is too long.
      if (!bytes.includes(10) && this.#pending.length <= this.#state.limits.fieldLineBytes) return;
    }
    this.#advance();
  }

  /** Keeps octets for later: pipelined requests, or what was sent behind an Upgrade. */
  #wait(bytes: Buffer): void {
    if (this.#phase === CLOSING) return;
    this.#pending = this.#pending === null ? bytes : Buffer.concat([this.#pending, bytes]);
    if (this.#pending.length >= this.#state.limits.pipelineBytes) this.pause();
  }

  /** Starts the requests that wait, one at a time, while the client takes the answers. */
  #advance(): void {
    this.#advancing = true;
    while (this.#pending !== null && this.#exchange === null && this.#phase !== CLOSING && !this.socket.writableNeedDrain) {
      const size = this.#head.parse(this.#pending, this.#state.limits);
      if (size === -1) this.#refuse(this.#head.refusal);
      if (size <= 0) break;
      this.#begin(size);
    }
    this.#advancing = false;
    if (this.#exchange === null && this.#pending !== null && this.#phase === IDLE) {
      this.#phase = HEAD;
      this.#since = this.#state.now;
    }
  }

  #begin(headSize: number): void {
    const bytes = this.#pending!;
    const exchange = new Exchange(this.#state, this, this.#head, performance.now());
    this.#pending = headSize === bytes.length ? null : bytes.subarray(headSize);
    this.#phase = BUSY;
    this.#exchange = exchange;
    if (this.#pending !== null && exchange.wantsOctets) {
      const rest = this.#pending;
      this.#pending = null;
      const taken = exchange.fromClient(rest);
      if (taken < rest.length) this.#wait(rest.subarray(taken));
    }
    exchange.start();
  }

  /** Answers a request that was not understood and closes: where the next one would begin is not known. */
  #refuse(why: Refusal): void {
    const failure: Failure = { ...FAILURES.badRequest, status: why.status, sentence: why.sentence };
    const requestId = requestIdFor("");
    this.#state.accessLog?.add(
      accessLine({
        failure, method: "", path: "", host: "", requestId, forwardedFor: this.address, dyno: "",
        connectMs: 0, serviceMs: 0, status: why.status, bytes: 0,
      }),
    );
    this.socket.write(errorResponse({ failure, accept: "", toHead: false, connection: "close", requestId }));
    this.closeGently();
  }

  #drained(): void {
    if (this.#exchange !== null) this.#exchange.clientDrained();
    else if (this.#phase === CLOSING) this.#since = this.#state.now;
    else if (this.#pending !== null) this.#advance();
  }

  #ended(): void {
    if (this.#exchange !== null) this.#exchange.clientEnded();
    else if (this.#phase !== CLOSING) this.closeGently();
  }
}
