/** Takes connections in, plain and with TLS, within the limits in all and per address, and moves their clocks. */

import type { Http2Session } from "node:http2";
import net from "node:net";
import type tls from "node:tls";
import { accessLine } from "./access-log.ts";
import { ClientConnection } from "./client-connection.ts";
import { errorResponse } from "./error-page.ts";
import { FAILURES } from "./failure.ts";
import { sayGoAway, serveHttp2 } from "./http2.ts";
import { requestIdFor } from "./request-id.ts";
import type { RouterState } from "./router-state.ts";
import type { Line } from "./wire.ts";

export class Listener {
  readonly plain: net.Server;
  #tls: tls.Server | null = null;
  readonly #state: RouterState;
  readonly #connections = new Set<ClientConnection>();
  readonly #sessions = new Set<Http2Session>();
  /** Connections of each address, those in a TLS handshake among them. */
  readonly #perAddress = new Map<string, number>();
  #open = 0;
  #closed: Promise<unknown> | null = null;

  constructor(state: RouterState) {
    this.#state = state;
    this.plain = net.createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
      const { remoteAddress } = socket;
      if (!this.#admit(remoteAddress)) return this.#turnAway(socket, remoteAddress);
      this.#serve(socket, remoteAddress, false).on("close", () => this.#release(remoteAddress));
    });
  }

  /** For connections with TLS; made when it is first asked for. */
  get tls(): tls.Server {
    return (this.#tls ??= this.#createTls());
  }

  #createTls(): tls.Server {
    const { limits, certificates } = this.#state;
    const server = process.getBuiltinModule("node:tls").createServer({
      allowHalfOpen: true, noDelay: true, minVersion: "TLSv1.2", honorCipherOrder: true, handshakeTimeout: limits.headMs, ALPNProtocols: limits.http2Streams > 0 ? ["h2", "http/1.1"] : ["http/1.1"],
      SNICallback: (name, done) => {
        const context = certificates.find(name);
        // No certificate is better than another host's: the client is told so (RFC 6066 3, unrecognized_name).
        if (context === undefined) done(new Error("no certificate for this name"));
        else done(null, context);
      },
    });
    // Counted from here on, for a handshake costs more than a request.
    server.on("connection", (socket: net.Socket) => {
      const { remoteAddress } = socket;
      if (!this.#admit(remoteAddress)) return void socket.destroy();
      socket.on("close", () => this.#release(remoteAddress));
    });
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    server.on("secureConnection", (socket) => void (socket.alpnProtocol === "h2" ? this.#serveHttp2(socket) : this.#serve(socket, socket.remoteAddress ?? "", true)));
    return server;
  }

  /** Requests in flight. */
  get busy(): number {
    let busy = 0;
    for (const connection of this.#connections) if (connection.busy) busy++;
    return busy;
  }

  tick(now: number): void {
    for (const connection of this.#connections) connection.tick(now);
  }

  /** Takes no more connections; resolves when the last one is closed. */
  close(): Promise<unknown> {
    // GOAWAY (RFC 9113 6.8): the streams that are open end, the client begins others elsewhere.
    for (const session of this.#sessions) sayGoAway(session);
    return (this.#closed ??= Promise.all([this.plain, this.#tls].map((server) => new Promise((resolve) => (server === null ? resolve(null) : server.close(resolve))))));
  }

  /** Every connection closes as soon as no request is in flight on it. */
  retire(): void {
    for (const connection of this.#connections) connection.retire();
  }

  destroyAll(): void {
    for (const session of this.#sessions) session.destroy();
    for (const connection of this.#connections) connection.socket.destroy();
  }

  /** Counts a connection in, when there is room for it. */
  #admit(remoteAddress: string | undefined): remoteAddress is string {
    // Undefined where it is gone before it was looked at.
    if (remoteAddress === undefined) return false;
    const here = this.#perAddress.get(remoteAddress) ?? 0;
    const { limits } = this.#state;
    if (here >= limits.connectionsPerAddress || this.#open >= limits.connections) return false;
    this.#open++;
    this.#perAddress.set(remoteAddress, here + 1);
    return true;
  }

  /** Answers before anything was asked: there is no room to wait for it (H22). */
  #turnAway(socket: net.Socket, remoteAddress = ""): void {
    const failure = FAILURES.tooManyConnections;
    const requestId = requestIdFor("");
    this.#state.accessLog?.add(accessLine({
      failure, method: "", path: "", host: "", requestId, forwardedFor: remoteAddress, dyno: "", connectMs: 0, serviceMs: 0, status: failure.status, bytes: 0, secure: false,
    }));
    socket.on("error", () => {});
    socket.resume();
    socket.end(errorResponse({ failure, accept: "", toHead: false, connection: "close", requestId, frame: "" }), () => socket.destroy());
  }

  #serve(socket: net.Socket, remoteAddress: string, secure: boolean): Line {
    return this.#connect(socket, remoteAddress, socket.localPort ?? 0, secure).socket;
  }

  /** A connection of HTTP/2: each of its streams is served as a connection with one request. */
  #serveHttp2(socket: tls.TLSSocket): void {
    const { remoteAddress = "", localPort = 0 } = socket;
    const session = serveHttp2(socket, this.#state.limits, (stream) => void this.#connect(stream, remoteAddress, localPort, true));
    this.#sessions.add(session);
    session.on("close", () => this.#sessions.delete(session));
    if (this.#state.closing) session.close();
  }

  #connect(socket: net.Socket | Line, remoteAddress: string, localPort: number, secure: boolean): ClientConnection {
    const address = remoteAddress.startsWith("::ffff:") ? remoteAddress.slice(7) : remoteAddress;
    const connection = new ClientConnection(this.#state, socket, address, localPort, secure);
    this.#connections.add(connection);
    connection.socket.on("close", () => this.#connections.delete(connection));
    return connection;
  }

  #release(remoteAddress: string): void {
    this.#open--;
    const left = this.#perAddress.get(remoteAddress)! - 1;
    if (left === 0) this.#perAddress.delete(remoteAddress);
    else this.#perAddress.set(remoteAddress, left);
  }
}
