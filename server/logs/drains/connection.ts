/** A TCP or TLS connection of a drain: opened when it is needed, kept while it works, never to an address that is refused. */

import { isIP, type Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { DrainTarget } from "./drain-url.ts";
import type { Reach } from "../../outbound/reachable.ts";

export type Connector = {
  reach: Reach;
  /** Certificates that are trusted besides the public ones. */
  ca: string | undefined;
};

const CONNECT_MS = 10_000;

/** Resolves when the connection, and TLS on it, stands. @throws Error, Unreachable */
export async function openConnection({ host, port, tls }: DrainTarget, { reach, ca }: Connector): Promise<Socket> {
  if (isIP(host) !== 0) reach.assertAddress(host);
  const options = { host, port, lookup: reach.lookup };
  const socket: Socket = tls ? connectTls(options, ca) : process.getBuiltinModule("node:net").connect(options);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${CONNECT_MS / 1000} s`)), CONNECT_MS);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
    };
    socket.once("error", fail);
    socket.once(tls ? "secureConnect" : "connect", () => {
      clearTimeout(timer);
      socket.off("error", fail);
      // Whoever writes hears of it; between two writes nobody asks.
      socket.on("error", () => undefined);
      socket.setKeepAlive(true, 30_000);
      resolve(socket);
    });
  });
}

function connectTls(options: { host: string; port: number; lookup: Reach["lookup"] }, ca: string | undefined): Socket {
  const tls = process.getBuiltinModule("node:tls");
  const all: ConnectionOptions = { ...options, ...(isIP(options.host) === 0 ? { servername: options.host } : {}), ...trusted(ca) };
  return tls.connect(all);
}

/** The public authorities, and these. */
export function trusted(ca: string | undefined): { ca?: string[] } {
  return ca === undefined ? {} : { ca: [...process.getBuiltinModule("node:tls").rootCertificates, ca] };
}

/** Writes; resolves when the kernel has taken all of it. @throws Error when the connection broke before, or takes nothing for `ms` */
export function writeAll(socket: Socket, data: string | Uint8Array, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(new Error(`nothing was taken within ${ms / 1000} s`)), ms);
    const fail = (error?: Error): void => {
      clearTimeout(timer);
      socket.off("close", closed);
      socket.destroy();
      reject(error ?? new Error("the connection was closed"));
    };
    const closed = (): void => fail();
    if (socket.destroyed || !socket.writable) return fail();
    socket.once("close", closed);
    socket.write(data, (error) => {
      if (error) return fail(error);
      clearTimeout(timer);
      socket.off("close", closed);
      resolve();
    });
  });
}
