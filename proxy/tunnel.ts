/** A WebSocket after its 101 (RFC 9110 7.8): octets both ways, until both sides have sent their FIN, or one is gone. */

import type { Dispatch } from "./dispatch.ts";
import { FAILURES, type Failure } from "./failure.ts";
import type { RouterState } from "./router-state.ts";
import { keepOctets } from "./scratch.ts";
import type { UpstreamConnection, UpstreamUser } from "./upstream-connection.ts";
import type { Line } from "./wire.ts";

/** The client's connection, as far as one who answers on it may act on it. */
export type TunnelClient = {
  readonly socket: Line;
  pause(): void;
  resume(): void;
  /** Ends what cannot be completed, so that the client sees it; `reset` where a FIN would look like its end. */
  breakOff(reset: boolean): void;
  closeGently(): void;
  destroy(): void;
};

export class Tunnel implements UpstreamUser {
  /** Whatever the client sends is the tunnel's. */
  readonly wantsOctets = true;
  readonly #state: RouterState;
  readonly #client: TunnelClient;
  readonly #dispatch: Dispatch;
  readonly #app: UpstreamConnection;
  readonly #log: (failure: Failure | null, received: number) => void;
  #since: number;
  #received = 0;
  #clientEnded = false;
  #appEnded = false;
  #over = false;

  /** @param log is told once, at the end, with the octets that the app sent through it */
  constructor(state: RouterState, client: TunnelClient, dispatch: Dispatch, log: (failure: Failure | null, received: number) => void) {
    this.#state = state;
    this.#client = client;
    this.#dispatch = dispatch;
    this.#app = dispatch.connection!;
    this.#log = log;
    this.#since = state.now;
    dispatch.handOver(this);
  }

  fromClient(bytes: Buffer): number {
    this.#since = this.#state.now;
    const { socket } = this.#app;
    if (!socket.write(bytes)) this.#client.pause();
    if (socket.writableLength > 0) keepOctets();
    return bytes.length;
  }

  clientDrained(): void {
    this.#since = this.#state.now;
    this.#app.socket.resume();
  }

  clientEnded(): void {
    this.#clientEnded = true;
    this.#app.socket.end();
    if (this.#appEnded) this.cut();
  }

  clientGone(): void {
    if (this.#leave(null)) this.#client.destroy();
  }

  connected(): void {
    // It was before the tunnel began.
  }

  received(bytes: Buffer, end: number): void {
    this.#received += end;
    this.#since = this.#state.now;
    const { socket } = this.#client;
    socket.write(bytes.subarray(0, end));
    if (socket.writableLength > 0) this.#app.keepBuffer();
    if (socket.writableNeedDrain) this.#app.socket.pause();
  }

  drained(): void {
    this.#since = this.#state.now;
    this.#client.resume();
  }

  ended(): void {
    this.#appEnded = true;
    this.#client.socket.end();
    if (this.#clientEnded) this.cut();
  }

  closed(): void {
    this.cut();
  }

  /** Closes both sides politely: what was written is still sent. */
  cut(): void {
    if (this.#over) return;
    this.#app.closeGently(this.#state.limits.lingerMs);
    this.#leave(null);
    this.#client.closeGently();
  }

  tick(now: number): void {
    if (now - this.#since > this.#state.limits.rollingMs && this.#leave(FAILURES.idle)) this.#client.breakOff(false);
  }

  /** Lets the dyno go and tells the log; false when that was done before. */
  #leave(failure: Failure | null): boolean {
    if (this.#over) return false;
    this.#over = true;
    // One that closes gently does so by itself.
    if (this.#app.user === null) this.#dispatch.connection = null;
    this.#dispatch.end();
    this.#log(failure, this.#received);
    return true;
  }
}
