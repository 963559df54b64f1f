/**
 * Accepted sockets that read into one buffer of ours. Node offers that (`onread`) for outgoing sockets only; an accepted
 * one allocates 64 KB a read and goes through a Readable, a fifth of a small request's cost. So the accepted handle
 * is moved into a Socket made with `onread`. Where Node's insides have changed, the socket is used as it came.
 */

import { Socket } from "node:net";

/** `bytes[0..end]` arrived; they are overwritten after the call. */
export type OnOctets = (bytes: Buffer, end: number) => void;

/** The parts of a Socket that are not public (lib/net.js: onconnection, _destroy). */
type Inside = { _handle?: object | null; _server?: object | null };

const SHARED = Buffer.allocUnsafeSlow(65_536);

/** A socket for the connection of `accepted` (paused by `pauseOnConnect`), which is not to be used any more. */
export function readShared(accepted: Socket, onOctets: OnOctets): Socket {
  const inside = accepted as unknown as Inside;
  const handle = inside._handle;
  if (typeof handle !== "object" || handle === null || inside._server === undefined) {
    accepted.on("data", (bytes: Buffer) => onOctets(bytes, bytes.length));
    return accepted;
  }
  const callback = (size: number, bytes: Uint8Array): boolean => {
    onOctets(bytes as Buffer, size);
    return true;
  };
  const options = { handle, allowHalfOpen: true, readable: true, writable: true, onread: { buffer: SHARED, callback } };
  const socket = new Socket(options as ConstructorParameters<typeof Socket>[0]);
  // The server counts its connections down when this one closes.
  (socket as unknown as Inside)._server = inside._server;
  inside._handle = null;
  inside._server = null;
  return socket;
}
