/** A raw upstream for the router's tests: records what reaches it octet by octet and answers as the test says. */

import { once } from "node:events";
import net from "node:net";

export type RawConnection = { socket: net.Socket; received: string; closed: Promise<void>; isClosed: boolean };

export type RawUpstream = {
  port: number;
  connections: RawConnection[];
  /** All octets of all connections, in latin1. */
  received(): string;
  close(): Promise<void>;
};

/** `onData` sees a connection after each arrival; its `received` holds everything so far. `at`: a port or a socket's path. */
export async function rawUpstream(onData: (connection: RawConnection) => unknown, at: number | string = 0): Promise<RawUpstream> {
  const connections: RawConnection[] = [];
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const connection: RawConnection = { socket, received: "", isClosed: false, closed: once(socket, "close").then(() => {}, () => {}) };
    void connection.closed.then(() => (connection.isClosed = true));
    connections.push(connection);
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    socket.on("data", (bytes) => {
      connection.received += bytes.toString("latin1");
      onData(connection);
    });
  });
  if (typeof at === "string") server.listen(at);
  else server.listen(at, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    connections,
    received: () => connections.map((connection) => connection.received).join(""),
    close: async () => {
      for (const { socket } of connections) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A whole response with a length. */
export function response(body: string, head = ""): string {
  return `HTTP/1.1 200 OK\r\n${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Answers every complete head with `text` (bodies are not looked at). */
export function answering(text: string): (connection: RawConnection) => void {
  const answered = new WeakMap<RawConnection, number>();
  return (connection) => {
    const heads = connection.received.split("\r\n\r\n").length - 1;
    for (let i = answered.get(connection) ?? 0; i < heads; i++) connection.socket.write(text, "latin1");
    answered.set(connection, heads);
  };
}
