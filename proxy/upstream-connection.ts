/** One connection to a dyno: it carries one request at a time and rests in its target's pool between two. */

import net from "node:net";
import type { Target } from "./route.ts";

/** Who a connection works for; the callbacks come in this order, `closed` last and once. */
export type UpstreamUser = {
  connected(connection: UpstreamConnection): void;
  /** `bytes[0..end]` arrived; they are overwritten after the call, unless `keepBuffer` is called. */
  received(bytes: Buffer, end: number): void;
  drained(): void;
  /** The dyno will send no more (FIN). */
  ended(): void;
  /** `code` is the system's error code, such as ECONNREFUSED, or null. */
  closed(connection: UpstreamConnection, code: string | null): void;
};

/** Where a connection leads; `forget` hears of its end. */
export type UpstreamPool = {
  readonly spec: Target;
  forget(connection: UpstreamConnection): void;
};

const FIRST_BUFFER = 16_384;
const LARGE_BUFFER = 65_536;

export class UpstreamConnection {
  readonly target: UpstreamPool;
  readonly socket: net.Socket;
  user: UpstreamUser | null;
  established = false;
  /** Requests it carried before the current one. */
  used = 0;
  /** `performance.now()` at which it came to rest, and for how many ms it may be used again. */
  restingSince = 0;
  restMs = 0;

  #buffer = Buffer.allocUnsafeSlow(FIRST_BUFFER);
  #kept = false;
  #code: string | null = null;

  constructor(target: UpstreamPool, user: UpstreamUser) {
    this.target = target;
    this.user = user;
    const { address, port } = target.spec;
    this.socket = net.connect({
      host: address,
      port,
      noDelay: true,
      autoSelectFamily: false,
      allowHalfOpen: true,
      onread: { buffer: () => this.#nextBuffer(), callback: (size, bytes) => this.#received(size, bytes as Buffer) },
    });
    this.socket.on("connect", () => this.#connected());
    this.socket.on("drain", () => this.user?.drained());
    this.socket.on("end", () => (this.user === null ? this.destroy() : this.user.ended()));
    this.socket.on("error", (error: NodeJS.ErrnoException) => (this.#code = error.code ?? "UNKNOWN"));
    this.socket.on("close", () => this.#closed());
  }

  /** The octets of the current `received` are still needed: the next ones go into another buffer. */
  keepBuffer(): void {
    this.#kept = true;
  }

  /** Closes it for good; `closed` is not called any more. */
  destroy(): void {
    this.user = null;
    this.socket.destroy();
  }

  /** Sends what is written, then closes; `closed` is not called any more. */
  closeGently(withinMs: number): void {
    this.user = null;
    this.socket.setTimeout(withinMs, () => this.socket.destroy());
    this.socket.destroySoon();
  }

  #connected(): void {
    this.established = true;
    this.user?.connected(this);
  }

  #received(size: number, bytes: Buffer): boolean {
    // Octets that nobody asked for make whatever comes next doubtful: such a connection is never used again.
    if (this.user === null) this.socket.destroy();
    else this.user.received(bytes, size);
    if (size === this.#buffer.length && size < LARGE_BUFFER) this.#buffer = Buffer.allocUnsafeSlow(LARGE_BUFFER);
    else if (this.#kept) this.#buffer = Buffer.allocUnsafeSlow(this.#buffer.length);
    this.#kept = false;
    return true;
  }

  #nextBuffer(): Buffer {
    return this.#buffer;
  }

  #closed(): void {
    this.target.forget(this);
    const user = this.user;
    this.user = null;
    user?.closed(this, this.#code);
  }
}
