/** Takes connections in, within the limits in all and per address, and moves their clocks. */

import net from "node:net";
import { ClientConnection } from "./client-connection.ts";
import { errorResponse } from "./error-page.ts";
import { FAILURES } from "./failure.ts";
import type { RouterState } from "./router-state.ts";

export class Listener {
  readonly server: net.Server;
  readonly #state: RouterState;
  readonly #connections = new Set<ClientConnection>();
  readonly #perAddress = new Map<string, number>();

  constructor(state: RouterState) {
    this.#state = state;
    this.server = net.createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => this.#accept(socket));
  }

  /** Requests in flight. */
  get busy(): number {
    let busy = 0;
    for (const connection of this.#connections) if (connection.busy) busy++;
    return busy;
  }

  get connections(): number {
    return this.#connections.size;
  }

  tick(now: number): void {
    for (const connection of this.#connections) connection.tick(now);
  }

  /** Every connection closes as soon as no request is in flight on it. */
  retire(): void {
    for (const connection of this.#connections) connection.retire();
  }

  destroyAll(): void {
    for (const connection of this.#connections) connection.socket.destroy();
  }

  #accept(socket: net.Socket): void {
    const { remoteAddress, localPort } = socket;
    // Gone before it was looked at.
    if (remoteAddress === undefined) return void socket.destroy();
    const address = remoteAddress.startsWith("::ffff:") ? remoteAddress.slice(7) : remoteAddress;
    const here = this.#perAddress.get(address) ?? 0;
    const { limits } = this.#state;
    if (here >= limits.connectionsPerAddress || this.#connections.size >= limits.connections) return turnAway(socket);
    this.#perAddress.set(address, here + 1);
    const connection = new ClientConnection(this.#state, socket, address, localPort ?? 0);
    this.#connections.add(connection);
    connection.socket.on("close", () => {
      this.#connections.delete(connection);
      const left = this.#perAddress.get(address)! - 1;
      if (left === 0) this.#perAddress.delete(address);
      else this.#perAddress.set(address, left);
    });
  }
}

function turnAway(socket: net.Socket): void {
  socket.on("error", () => {});
  socket.resume();
  socket.end(errorResponse({ failure: FAILURES.tooManyConnections, accept: "", toHead: false, connection: "close", requestId: "" }), () => socket.destroy());
}
