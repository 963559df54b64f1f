/** The control plane's port for TLS: git and API as on the plain one, and the meeting place of clients and one-off dynos. */

import { once } from "node:events";
import type { Server } from "node:http";
import type { TLSSocket, Server as TlsServer } from "node:tls";
import type { OwnCertificate } from "./own-certificate.ts";

const FIRST_OCTETS_MS = 10_000;

export type TlsPort = {
  port: number;
  /** Shows another certificate from the next handshake on. */
  use(certificate: OwnCertificate): void;
  close(): Promise<void>;
};

export type TlsPortOptions = {
  host: string;
  port: number;
  certificate: OwnCertificate;
  /** Gets every connection that speaks HTTP. */
  http: Server;
  /** What a client's first line looks like when it comes for a dyno, and who serves it. */
  rendezvous: { line: RegExp; meet(socket: TLSSocket, first: Buffer): void };
};

/** Listens. Throws what the operating system says when the address cannot be had, and what OpenSSL says of the certificate. */
export async function openTlsPort({ host, port, certificate, http, rendezvous }: TlsPortOptions): Promise<TlsPort> {
  const sockets = new Set<TLSSocket>();
  // Not imported: 4 MiB that a control plane without TLS does not need.
  const server: TlsServer = process.getBuiltinModule("node:tls").createServer({ cert: certificate.cert, key: certificate.key, minVersion: "TLSv1.2", ALPNProtocols: ["http/1.1"] });
  server.on("secureConnection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.setTimeout(FIRST_OCTETS_MS, () => socket.destroy());
    socket.once("data", (first: Buffer) => {
      socket.setTimeout(0);
      socket.removeAllListeners("timeout");
      socket.pause();
      if (rendezvous.line.test(first.toString("latin1"))) return rendezvous.meet(socket, first);
      http.emit("connection", socket);
      // Only now somebody listens.
      socket.unshift(first);
      socket.resume();
    });
  });
  server.listen({ host, port });
  await once(server, "listening");
  return {
    port: (server.address() as { port: number }).port,
    use: ({ cert, key }) => server.setSecureContext({ cert, key }),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
