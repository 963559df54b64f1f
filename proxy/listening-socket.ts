/**
 * A listening socket that one process keeps and others accept on: it is never closed, so no connection is refused while
 * those others come and go. Node has no public call for a bound socket that nobody accepts on in this process;
 * its own cluster module makes one with `net._createServerHandle` (lib/internal/cluster/shared_handle.js), and so do we.
 */

import net from "node:net";
import { getSystemErrorName } from "node:util";

export type ListeningSocket = {
  /** For `stdio` of a child, whose copy outlives ours. */
  readonly fd: number;
  readonly port: number;
  close(): void;
};

type Handle = { fd: number; close(): void; getsockname(out: { port?: number }): number };
type Inside = { _createServerHandle(address: string | null, port: number, addressType: number, fd?: number): Handle | number };

const { _createServerHandle } = net as unknown as Inside;

/** Binds; the first process that accepts on it makes it listen. Throws what the operating system says (EADDRINUSE, EACCES). */
export function openListeningSocket(address: string, port: number): ListeningSocket {
  return opened(_createServerHandle(address, port, net.isIP(address)), `${address}:${port}`);
}

/** A socket that this process was given at its start. */
export function inheritListeningSocket(fd: number): ListeningSocket {
  return opened(_createServerHandle(null, 0, 0, fd), `fd ${fd}`);
}

function opened(handle: Handle | number, what: string): ListeningSocket {
  if (typeof handle === "number") throw systemError(handle, what);
  const name: { port?: number } = {};
  // An address in use is told only when the socket is asked about (libuv: delayed_error).
  const failed = handle.getsockname(name);
  if (failed !== 0) {
    handle.close();
    throw systemError(failed, what);
  }
  return { fd: handle.fd, port: name.port!, close: () => handle.close() };
}

function systemError(errno: number, what: string): Error {
  const code = getSystemErrorName(errno);
  return Object.assign(new Error(`listen ${code} ${what}`), { code, errno, syscall: "listen" });
}
